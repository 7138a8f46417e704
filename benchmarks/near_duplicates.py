"""Near duplicates, measured: python benchmarks/near_duplicates.py [--rows 100000] [--large 1000000] [--quick]

Recall is measured on real English: paragraphs from the docstrings of the installed packages and the standard library, of
which some get planted copies: exact (case and punctuation), light (5 % of the words edited) and heavy (15 %). For speed,
rows are put together from two to four real sentences of these, since there are not a million paragraphs. datasketch
runs on the same rows, in the same process, on one thread each. The pairs of sentences at the end are written by hand.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import subprocess
import sys
import sysconfig
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("RAYON_NUM_THREADS", "1")

from workbench.curate.checks import similar
from workbench.curate.checks.check import CheckContext
from workbench.curate.near import THRESHOLD, near_duplicates, words
from workbench.dataset import Dataset, Example
from workbench.runtime import this_machine

# Two rows that differ in one thing, and the difference is the point.
MINIMAL_PAIRS = (
    ("The dose for this patient is 20 mg twice daily", "The dose for this patient is 200 mg twice daily"),
    ("Give 5 ml of the syrup", "Give 5 l of the syrup"),
    ("The invoice is due on 3 May 2025", "The invoice is due on 5 May 2025"),
    ("The meeting starts at 9 am", "The meeting starts at 9 pm"),
    ("It costs 15 euros", "It costs 50 euros"),
    ("Raise the price by 5 %", "Raise the price by 5"),
    ("Keep it at -5 degrees", "Keep it at 5 degrees"),
    ("Send order A-1042 back", "Send order A-1024 back"),
    ("Use port 8080", "Use port 8008"),
    ("The valve opens at 1.5 bar", "The valve opens at 15 bar"),
    ("The patient is allergic to penicillin", "The patient is not allergic to penicillin"),
    ("You may open the window", "You may not open the window"),
    ("I have never been late", "I have been late"),
    ("There is no fee for this", "There is a fee for this"),
    ("The contract is valid", "The contract is invalid"),
    ("That was intended", "That was unintended"),
    ("The team is capable of it", "The team is incapable of it"),
    ("Nobody was hurt", "Somebody was hurt"),
    ("He can't come on Monday", "He can come on Monday"),
    ("The lid must be locked", "The lid must be unlocked"),
    ("What is the capital of France", "What is the capital of Spain"),
    ("Book a flight to Sydney, Australia", "Book a flight to Sidney, Australia"),
    ("Ask Peter about the key", "Ask Petra about the key"),
    ("Ship it to Austria", "Ship it to Australia"),
    ("Which firm bought Renault", "Which firm bought Peugeot"),
    ("Write it in C", "Write it in C#"),
    ("Write it in Java", "Write it in JavaScript"),
    ("The test for hepatitis A is back", "The test for hepatitis B is back"),
    ("Vitamin A helps here", "Vitamin helps here"),
    ("Tell me about the Polish way", "Tell me about the polish way"),
    ("The patient has hypertension", "The patient has hypotension"),
    ("Signs of hyperglycaemia were seen", "Signs of hypoglycaemia were seen"),
    ("Turn left at the church", "Turn right at the church"),
    ("Take it before meals", "Take it after meals"),
    ("Serve the soup with cream", "Serve the soup without cream"),
    ("Move the file up", "Move the file down"),
    ("Increase the heat", "Decrease the heat"),
    ("The door is inside the hall", "The door is outside the hall"),
    ("Accept the request", "Except the request"),
    ("Import the goods", "Export the goods"),
    ("You may sign the form", "You must sign the form"),
    ("You should call first", "You could call first"),
    ("He signed the paper", "She signed the paper"),
    ("I owe you the money", "You owe me the money"),
    ("It is their car", "It is our car"),
    ("Dog bites man", "Man bites dog"),
    ("Alice pays Bob", "Bob pays Alice"),
    ("The bank sued the firm", "The firm sued the bank"),
    ("Is the shop open", "Was the shop open"),
    ("All rows were read", "Some rows were read"),
    ("Only members may vote", "Members may vote"),
    ("Add few drops of oil", "Add a few drops of oil"),
    ("She is the director here", "She is a director here"),
    ("It is out of the question", "It is out of question"),
    ("Where can I buy a Hello Kitty bag", "Where can I buy a Kitty bag"),
    ("Two tablets a day", "Two tablets the day"),
    ("Die Lieferung kam pünktlich an", "Die Lieferung kam nicht pünktlich an"),
    ("Der Leiter steht dort", "Die Leiter steht dort"),
    ("Le tour est fini", "La tour est finie"),
    ("El cura llegó ayer", "La cura llegó ayer"),
)  # fmt: skip
FRAME = (
    "A customer wrote to our office this morning and asked us to look into the matter and to reply within one week:",
    "Read the message with care, decide which department has to deal with it and say so in one short sentence.",
)
PARAPHRASES = (
    ("How do I reset my password?", "I forgot my password, how can I get a new one?"),
    ("Where is my parcel?", "My package has not come yet, where is it?"),
    ("Cancel my subscription.", "I want to end my membership."),
    ("What are your opening hours?", "When are you open?"),
    ("The screen is broken.", "There is a crack in the display."),
    ("Can I pay by card?", "Do you take credit cards?"),
    ("How tall is Mount Everest?", "What is the height of Mount Everest?"),
    ("Who wrote Hamlet?", "Which author is Hamlet by?"),
    ("It is raining heavily.", "It is pouring."),
    ("He bought a car.", "He purchased a vehicle."),
    ("Please call me back.", "Could you ring me again?"),
    ("The train was late.", "The train did not arrive on time."),
    ("I'm out of milk.", "There is no milk left."),
    ("How much is it?", "What does it cost?"),
    ("Turn the light off.", "Switch off the lamp."),
    ("She teaches at a school.", "She works as a teacher."),
    ("My bill is too high.", "I was charged too much."),
    ("Is this free?", "Does this cost nothing?"),
    ("The shop is closed on Sundays.", "On Sundays the shop does not open."),
    ("I can't log in.", "Signing in does not work for me."),
    ("Which bus goes to the airport?", "What bus do I take to the airport?"),
    ("Translate this into French.", "Put this into French."),
    ("The engine makes a noise.", "There is a strange sound from the motor."),
    ("When was the treaty signed?", "In what year did they sign the treaty?"),
    ("I need a doctor.", "I have to see a physician."),
    ("Send me the invoice.", "I'd like to have the bill sent to me."),
    ("The food was cold.", "Our meal was not warm."),
    ("How old is she?", "What is her age?"),
    ("This seat is taken.", "Somebody sits here already."),
    ("Give an example.", "Name one instance."),
)


def paragraphs(most: int) -> list[str]:
    """English paragraphs of 80 to 600 characters from docstrings, each once, in the same order every time."""
    folders = [Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))]
    found: dict[str, None] = {}
    for path in (p for folder in folders for p in sorted(folder.rglob("*.py"))):
        if folders[0] in path.parents and "site-packages" in path.parts and folders[1] not in path.parents:
            continue
        for doc in _docstrings(path):
            for paragraph in re.split(r"\n\s*\n", doc):
                text = " ".join(paragraph.split())
                if 80 <= len(text) <= 600 and not re.search(r">>>|::|:param|\.\. |--|\|", text) and len(text.split()) >= 14:
                    found[text] = None
        if len(found) >= most:
            break
    return list(found)


def _docstrings(path: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, RecursionError, ValueError, OSError):
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and (doc := ast.get_docstring(node)):
            yield doc


def composed(source: list[str], rows: int, seed: int = 0) -> list[str]:
    """Rows of two to four real sentences each."""
    dice = random.Random(seed)
    sentences = [s for text in source for s in re.split(r"(?<=[.!?]) ", text) if len(s) > 30]
    return [" ".join(dice.choices(sentences, k=dice.randint(2, 4))) for _ in range(rows)]


def planted(source: list[str], seed: int = 0) -> tuple[list[str], dict[str, list[tuple[int, int]]]]:
    """The paragraphs with copies behind them, and which copy is of which paragraph, by kind."""
    dice = random.Random(seed)
    vocabulary = [word for text in source for word in text.split()]
    texts, pairs = list(source), {"exact": [], "light": [], "heavy": []}
    for kind, share, edits in (("exact", 0.02, 0.0), ("light", 0.03, 0.05), ("heavy", 0.02, 0.15)):
        for place in dice.sample(range(len(source)), int(share * len(source))):
            pairs[kind].append((place, len(texts)))
            text = source[place]
            texts.append(text.upper().replace(",", " ").rstrip(".") + " !" if kind == "exact" else _edited(text, edits, vocabulary, dice))
    return texts, pairs


def _edited(text: str, share: float, vocabulary: list[str], dice: random.Random) -> str:
    tokens = text.split()
    for place in sorted(dice.sample(range(len(tokens)), max(1, round(share * len(tokens)))), reverse=True):
        kind = dice.choice(("replace", "replace", "delete", "insert"))
        if kind == "replace":
            tokens[place] = dice.choice(vocabulary)
        elif kind == "delete":
            del tokens[place]
        else:
            tokens.insert(place, dice.choice(vocabulary))
    return " ".join(tokens)


def recall(source: list[str]) -> None:
    """Print the share of planted copies that end up in the cluster of their source."""
    texts, pairs = planted(source)
    start = time.perf_counter()
    near = near_duplicates(texts)
    seconds = time.perf_counter() - start
    cluster, direct = near.clusters(len(texts)), set(zip(near.first.tolist(), near.second.tolist(), strict=True))
    print(f"recall on {len(source):,} paragraphs, {sum(map(len, source)) / len(source):.0f} characters each ({seconds:.1f} s):")
    for kind, planted_pairs in pairs.items():
        together = sum(cluster[a] == cluster[b] for a, b in planted_pairs) / len(planted_pairs)
        as_pair = sum(pair in direct for pair in planted_pairs) / len(planted_pairs)
        print(f"  {kind:<6} {together:.4f} in one cluster, {as_pair:.4f} as a pair, of {len(planted_pairs)}")


def with_datasketch(texts: list[str], size: int, threshold: float) -> int:
    """Pairs found by datasketch with word n-grams of a size; 128 permutations."""
    from datasketch import MinHash, MinHashLSH

    index, found = MinHashLSH(threshold=threshold, num_perm=128), 0
    for place, text in enumerate(texts):
        cut = words(text)
        shingles = [" ".join(cut[i : i + size]).encode() for i in range(max(len(cut) - size + 1, 1))]
        digest = MinHash(num_perm=128)
        digest.update_batch(shingles)
        found += len(index.query(digest))
        index.insert(place, digest, check_duplication=False)
    return found


def timed(what: str, run: Callable[[], int]) -> float:
    """Run and print how long it took."""
    start = time.perf_counter()
    pairs = run()
    seconds = time.perf_counter() - start
    print(f"  {what:<58} {seconds:8.1f} s   {pairs:,} pairs", flush=True)
    return seconds


def speed(source: list[str], rows: int) -> None:
    """Print our time and datasketch's on the same rows."""
    texts = composed(source, rows)
    print(f"speed on {rows:,} rows of {sum(map(len, texts)) / rows:.0f} characters:")
    ours = timed(f"workbench, word 2-grams, threshold {THRESHOLD}, verified", lambda: len(near_duplicates(texts)))
    for size, threshold in ((2, 0.5), (3, 0.7)):
        what = f"datasketch MinHashLSH, word {size}-grams, threshold {threshold}, unverified"
        theirs = timed(what, lambda size=size, threshold=threshold: with_datasketch(texts, size, threshold))
        print(f"  datasketch takes {theirs / ours:.1f} times as long")


def large(rows: int) -> None:
    """Print time and memory of one search in this process (on Linux and macOS)."""
    import resource

    texts = composed(paragraphs(60_000), rows)

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)

    before = peak()
    print(f"{rows:,} rows of {sum(map(len, texts)) / rows:.0f} characters, in a process of its own:")
    timed("workbench", lambda: len(near_duplicates(texts)))
    print(f"  peak memory {peak():.2f} GB, of which the texts and the making of them {before:.2f} GB", flush=True)


def ticked(pairs: tuple[tuple[str, str], ...], frame: tuple[str, str] | None) -> tuple[int, int]:
    """How many of the pairs the check would delete, and how many it shows a person; both rows have the same answer."""
    deleted = shown = 0
    for pair in pairs:
        texts = [f"{frame[0]} {text}. {frame[1]}" if frame else text for text in pair]
        rows = Dataset("all", tuple(Example(f"r{i}", (("user", text),), "yes") for i, text in enumerate(texts)))
        context = CheckContext("text")
        deleted += len(list(similar.near_rows(rows, context)))
        shown += len(list(similar.similar_rows(rows, context)))
    return deleted, shown


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="5,000 rows and no large run")
    parser.add_argument("--only-large", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_large:
        return large(options.large)
    packages = ", ".join(f"{name} {version(name)}" for name in ("rensa", "datasketch", "numpy"))
    print(f"{time.strftime('%Y-%m-%d')}, {this_machine()!r}, {packages}")
    source = paragraphs(5_000 if options.quick else 60_000)
    recall(source)
    speed(source, 5_000 if options.quick else options.rows)
    for name, pairs in (("minimal pairs", MINIMAL_PAIRS), ("paraphrases", PARAPHRASES)):
        for where, frame in (("alone", None), ("in a long row", FRAME)):
            deleted, shown = ticked(pairs, frame)
            print(f"{len(pairs)} {name}, {where}: {deleted} ticked for deletion, {shown} shown to a person")
    if not options.quick and options.large:
        sys.stdout.flush()
        command = [sys.executable, __file__, "--only-large", "--large", str(options.large)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
