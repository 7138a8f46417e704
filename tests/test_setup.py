"""The set-up: files that must agree with each other, and a run.py that goes on where it stopped.

Nothing here installs anything or reaches a network: pip is replaced by a function that notes what
it was asked for.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import run  # noqa: E402

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
CONDA_PIP = next(part["pip"] for part in CONDA if isinstance(part, dict))


def pinned(*names):
    """Return the versions that the requirement files pin, by normalised name."""
    versions = {}
    for name in names:
        for line in run.pins(ROOT / "requirements" / f"{name}.txt"):
            requirement = Requirement(line)
            (only,) = requirement.specifier
            assert only.operator == "==", f"{name}.txt: {line} is not an exact pin"
            versions.setdefault(canonicalize_name(requirement.name), []).append(only.version)
    return versions


def unmet(lines, versions):
    """Return the requirements that no pin, or a pin outside their range, answers."""
    requirements = [Requirement(line) for line in lines]
    return [
        str(one)
        for one in requirements
        if not (found := versions.get(canonicalize_name(one.name)))
        or not all(one.specifier.contains(version) for version in found)
    ]


# --- the files agree ----------------------------------------------------------------------------


def test_every_direct_dependency_is_pinned_within_its_range():
    assert unmet(PROJECT["dependencies"], pinned("torch", "lock")) == []


def test_every_test_dependency_is_pinned_within_its_range():
    assert unmet(PROJECT["optional-dependencies"]["test"], pinned("test")) == []


def test_torch_is_pinned_in_its_own_file_and_nowhere_else():
    assert list(pinned("torch")) == ["torch"]
    assert "torch" not in pinned("lock", "test")


def test_no_package_is_pinned_both_to_run_and_to_test():
    assert set(pinned("lock")) & set(pinned("test")) == set()


def test_requirement_files_and_environment_name_no_address():
    for path in [*(ROOT / "requirements").iterdir(), ROOT / "environment.yml"]:
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"\S*(?:://|index.url|find.links|pypi\.|pythonhosted|@ )\S*", text)
        assert found == [], f"{path.name} names {found}"


def test_each_dependency_says_what_it_is_for():
    lines = re.findall(r'^  "[A-Za-z][\w.-]*[<>=].*$', PYPROJECT, re.M)
    declared = PROJECT["dependencies"] + [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    assert len(lines) == len(declared)
    assert [line for line in lines if not re.search(r'",\s+# \w.{10,}', line)] == []


def test_run_py_accepts_the_pythons_that_pyproject_accepts():
    accepted = SpecifierSet(PROJECT["requires-python"])
    for minor in range(7, 20):
        assert (run.version_refusal((3, minor, 0)) is None) == accepted.contains(f"3.{minor}.0")


def test_conda_gets_a_python_that_pyproject_accepts():
    (line,) = [part for part in CONDA if str(part).startswith("python=")]
    version = line.removeprefix("python=")
    assert SpecifierSet(PROJECT["requires-python"]).contains(Version(version + ".0"))


def test_conda_gets_the_pins_by_reference_and_never_by_copy():
    assert "-r requirements/torch.txt" in CONDA_PIP
    assert "-c requirements/lock.txt" in CONDA_PIP
    names = [line for line in CONDA_PIP if not line.startswith("-")]
    assert [name for name in names if not re.fullmatch(r"[a-z0-9-]+", name)] == []


def test_conda_and_setup_here_together_give_every_dependency():
    names = {canonicalize_name(line) for line in CONDA_PIP if not line.startswith("-")}
    alone = set(run.ALONE)
    assert names & alone == set(), "a pip section cannot install these without dependencies"
    assert names | alone | {"torch"} == set(run.direct_dependencies()) | set(run.ALSO)


def test_what_setup_here_adds_by_name_is_in_the_lock():
    assert set(run.ALONE) | set(run.ALSO) <= set(pinned("lock"))


def test_our_own_code_is_apache_2():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in text and "Version 2.0, January 2004" in text


# --- run.py as a file ---------------------------------------------------------------------------


def test_run_py_parses_on_an_old_python():
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_run_py_imports_the_standard_library_only():
    tree = ast.walk(ast.parse((ROOT / "run.py").read_text(encoding="utf-8")))
    names = set()
    for node in tree:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    assert names <= sys.stdlib_module_names


def test_every_verb_has_its_line_in_the_help():
    verbs = re.findall(r"^  (\w+)  ", run.HELP, re.M)
    assert verbs == ["tour", "test", "lab", "doctor", "ask", "setup", "lock"]


@pytest.mark.parametrize("version", [(3, 7, 16), (3, 10, 13), (3, 14, 0), (4, 0, 0)])
def test_an_unsuitable_python_is_refused_in_one_sentence(version, monkeypatch, capsys):
    monkeypatch.setattr(run.sys, "version_info", version)
    monkeypatch.setattr(run, "run_verb", lambda *_: pytest.fail("went on in spite of it"))
    assert run.main(["tour"]) == 2
    message = capsys.readouterr().err.strip()
    assert f"Python {version[0]}.{version[1]}" in message  # what was found
    assert "3.11, 3.12 or 3.13" in message  # what is needed
    assert "install" in message  # what to do
    assert "\n" not in message


def test_an_unknown_verb_is_refused_with_the_list(capsys):
    assert run.main(["tuor"]) == 2
    assert "'tuor'" in (text := capsys.readouterr().err) and "tour" in text


def test_no_verb_prints_the_help_and_installs_nothing(capsys, monkeypatch):
    monkeypatch.setattr(run, "run_verb", lambda *_: pytest.fail("did something"))
    assert run.main([]) == run.main(["--help"]) == 0
    assert "doctor" in capsys.readouterr().out


# --- making .venv -------------------------------------------------------------------------------


class FakePip:
    """Stands for the commands of a set-up: notes each, and fails where it is told to."""

    def __init__(self, root, failures=()):
        self.root, self.failures, self.calls = root, list(failures), []

    def __call__(self, command, log, **_):
        words = " ".join(str(part) for part in command)
        kinds = {"-m venv": "venv", "torch.txt": "torch", "lock.txt": "lock", "-e .": "package",
                 "-c import": "proof", "test.txt": "test"}  # fmt: skip
        name = next(kind for text, kind in kinds.items() if text in words)
        self.calls.append(name)
        Path(log).write_text(f"ERROR: {name} broke\n", encoding="utf-8")
        if name in self.failures:
            self.failures.remove(name)
            return 1
        if name == "venv":
            python = run.Environment(self.root).python
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
            cfg = f"version = {sys.version_info[0]}.{sys.version_info[1]}.0\n"
            (self.root / ".venv" / "pyvenv.cfg").write_text(cfg, encoding="utf-8")
        return 0


@pytest.fixture
def root(tmp_path):
    """A repository with one small pin in each file."""
    (tmp_path / "requirements").mkdir()
    for name in ("torch", "lock", "test"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"{name}==1\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def plenty_of_disk(monkeypatch):
    """No test here depends on what this machine's disk has left."""
    usage = type("Usage", (), {"free": 100e9})
    monkeypatch.setattr(run.shutil, "disk_usage", lambda _: usage)


def make(root, failures=(), with_tests=False):
    """Make the environment with a fake pip, and return what was asked of it."""
    pip = FakePip(root, failures)
    run.Environment(root, pip).make(with_tests)
    return pip.calls


def test_a_second_run_does_nothing(root):
    assert make(root) == ["venv", "torch", "lock", "package", "proof"]
    assert make(root) == []


def test_tests_add_their_own_step_and_only_that(root):
    make(root)
    assert make(root, with_tests=True) == ["test"]
    assert make(root) == make(root, with_tests=True) == []


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("requirements/torch.txt", ["torch", "lock", "package", "proof", "test"]),
        ("requirements/lock.txt", ["lock", "package", "proof", "test"]),
        ("pyproject.toml", ["package", "proof", "test"]),
        ("requirements/test.txt", ["test"]),
    ],
)
def test_a_changed_pin_repeats_its_step_and_those_after_it(root, file, again):
    make(root, with_tests=True)
    (root / file).write_text("other==2\n", encoding="utf-8")
    assert make(root, with_tests=True) == again


def test_a_file_written_again_with_the_same_pins_repeats_nothing(root):
    make(root)
    path = root / "requirements" / "lock.txt"
    path.write_bytes(path.read_bytes())
    os.utime(path, (0, 0))
    assert make(root) == []


def test_another_python_makes_everything_again_in_an_empty_folder(root, monkeypatch):
    make(root)
    left = root / ".venv" / "lib" / "left-over.py"
    left.parent.mkdir()
    left.touch()
    (root / ".venv" / "pyvenv.cfg").write_text("version = 3.9.1\n", encoding="utf-8")
    stamp = root / ".venv" / "setup.json"
    stamp.write_text(json.dumps({"venv": "made by 3.9"}), encoding="utf-8")
    assert make(root) == ["venv", "torch", "lock", "package", "proof"]
    assert not left.exists()


def test_a_venv_without_its_python_is_made_again(root):
    make(root)
    run.Environment(root).python.unlink()
    assert make(root)[0] == "venv"


def test_a_broken_download_is_tried_once_more(root):
    assert make(root, failures=["lock"]) == ["venv", "torch", "lock", "lock", "package", "proof"]


def test_after_two_failures_the_same_command_goes_on_where_it_stopped(root):
    with pytest.raises(run.SetupFailed) as failure:
        make(root, failures=["lock", "lock"])
    message = str(failure.value)
    assert "[3/5]" in message and "ERROR: lock broke" in message  # what failed
    assert str(root / ".venv" / "setup.log") in message  # where to read on
    assert "Run the same command again" in message  # what to do
    assert make(root) == ["lock", "package", "proof"]


def test_an_interrupted_upgrade_does_not_count_when_the_old_pins_come_back(root):
    make(root)
    path = root / "requirements" / "lock.txt"
    old = path.read_bytes()
    path.write_text("lock==2\n", encoding="utf-8")
    with pytest.raises(run.SetupFailed):
        make(root, failures=["lock", "lock"])
    path.write_bytes(old)
    assert make(root) == ["lock", "package", "proof"]


def test_a_full_disk_is_said_before_anything_is_made(root, monkeypatch):
    monkeypatch.setattr(run.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1e9}))
    with pytest.raises(run.SetupFailed, match=r"4 GB .* has 1\.0 GB free"):
        make(root)
    assert not run.Environment(root).python.exists()


# --- one at a time ------------------------------------------------------------------------------


def dead_pid():
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    path = tmp_path / "setup.lock"
    path.write_text(str(dead_pid()), encoding="utf-8")
    with run.SetupLock(path):
        assert path.read_text(encoding="utf-8") == str(os.getpid())
    assert not path.exists()


def test_a_living_child_of_a_dead_run_keeps_the_lock(tmp_path):
    """kill -9 of run.py leaves pip at work; a second pip beside it would spoil .venv."""
    path = tmp_path / "setup.lock"
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    path.write_text(f"{dead_pid()} {child.pid}", encoding="utf-8")
    try:
        assert not run.SetupLock(path)._take()
    finally:
        child.communicate(b"\n")
    assert run.SetupLock(path)._take()


def test_a_second_run_waits_says_so_and_then_finds_the_work_done(root, monkeypatch, capsys):
    make_it = FakePip(root)
    (root / ".venv").mkdir()
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lock = root / ".venv" / "setup.lock"
    lock.write_text(str(other.pid), encoding="utf-8")

    def the_other_finishes(_):
        other.communicate(b"\n")
        environment = run.Environment(root, make_it)
        make_it(["-m venv"], environment.log)
        environment._record(environment.keys())

    monkeypatch.setattr(run.time, "sleep", the_other_finishes)
    assert make(root) == []
    assert "waiting for it" in capsys.readouterr().out


# --- the Python that runs this ------------------------------------------------------------------


@pytest.fixture
def everything(monkeypatch):
    """Pretend that this Python has every pinned package, on a laptop without a GPU."""
    has = {name: versions[-1] for name, versions in pinned("torch", "lock").items()}
    monkeypatch.setattr(run, "installed", lambda: has)
    monkeypatch.setattr(run, "hosted", lambda: False)
    monkeypatch.setattr(run, "gpus", list)
    monkeypatch.setattr(run, "perform", lambda *_, **__: pytest.fail("installed something"))
    return has


def test_bootstrap_installs_nothing_where_nothing_is_missing(everything, monkeypatch, capsys):
    monkeypatch.setattr(run.sys, "path", [part for part in sys.path if part != str(ROOT)])
    run.bootstrap()
    run.bootstrap()
    assert sys.path.count(str(ROOT)) == 1
    assert capsys.readouterr().out == ""


def test_what_a_host_brings_stays_unless_it_is_too_old(everything, monkeypatch):
    monkeypatch.setattr(run, "hosted", lambda: True)
    everything.update({"transformers": "5.15.0", "datasets": "4.0.0", "pyarrow": "18.1.0"})
    for name in ("trl", "unsloth", "unsloth-zoo", "jupyterlab"):
        del everything[name]
    ordinary, alone = run.missing_here()
    assert {line.split("==")[0] for line in ordinary} == {"datasets", "pyarrow", "trl"}
    assert {line.split("==")[0] for line in alone} == {"unsloth", "unsloth-zoo"}


def test_packages_for_a_gpu_are_added_only_where_a_host_has_one(everything, monkeypatch):
    monkeypatch.setattr(run, "gpus", lambda: ["Tesla T4, 15360 MiB"])
    assert run.missing_here() == ([], [])
    monkeypatch.setattr(run, "hosted", lambda: True)
    assert run.missing_here() == ([], list(run.FOR_GPU))


def test_another_version_of_unsloth_is_replaced(everything):
    everything["unsloth"] = "2025.1.1"
    assert run.missing_here()[1] == [f"unsloth=={pinned('lock')['unsloth'][0]}"]


def test_versions_that_stay_are_given_to_pip_as_constraints(everything, monkeypatch):
    seen = {}

    def perform(title, command, log):
        keep = command[command.index("-c") + 1].read_text(encoding="utf-8").splitlines()
        seen.update(keep=keep, command=command)

    everything["datasets"] = "4.0.0"
    monkeypatch.setattr(run, "perform", perform)
    run.set_up_here()
    assert f"numpy=={everything['numpy']}" in seen["keep"]
    assert not any(line.startswith("datasets==") for line in seen["keep"])
    assert any(part.startswith("datasets==") for part in map(str, seen["command"]))


def test_a_package_replaced_under_a_running_session_asks_for_a_restart():
    with pytest.raises(run.SetupFailed, match=r"packaging: restart the session, then Run all"):
        run.refuse_stale({"packaging"})
    run.refuse_stale(set())


def test_a_systems_own_python_is_not_filled_from_a_notebook(everything, monkeypatch, tmp_path):
    del everything["trl"]
    monkeypatch.setattr(run.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(run.sys, "base_prefix", str(tmp_path))
    with pytest.raises(run.SetupFailed, match=r"lacks 1 of .* `python run.py lab`"):
        run.bootstrap()


# --- doctor -------------------------------------------------------------------------------------


def test_doctor_works_before_there_is_an_environment(monkeypatch, capsys, root):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(run, "filled_here", lambda: False)
    fresh = run.Environment(root)
    monkeypatch.setattr(run, "Environment", lambda: fresh)
    assert run.main(["doctor"]) == 0
    table = capsys.readouterr().out
    for what in ("Python", "Cores", "Memory", "Disk", "GPU", "Model hub", "Browser"):
        assert re.search(rf"^{what} ", table, re.M)
    assert "not tried" in table and "-> python run.py setup" in table


def test_doctor_says_which_disk_is_too_small_and_fails(monkeypatch, capsys, root):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(run, "filled_here", lambda: False)
    fresh = run.Environment(root)
    monkeypatch.setattr(run, "Environment", lambda: fresh)
    monkeypatch.setattr(run.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1e9}))
    assert run.main(["doctor"]) == 1
    assert "-> make room: 4 GB are needed" in capsys.readouterr().out


def test_a_child_gets_the_settings_its_libraries_read_on_loading(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "elsewhere")
    env = run.child_environment()
    assert env["TOKENIZERS_PARALLELISM"] == "false"
    assert env["PYTHONUTF8"] == env["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert "PYTHONHOME" not in env


def test_the_exit_code_of_the_child_is_handed_on():
    assert run.call([sys.executable, "-c", "raise SystemExit(7)"]) == 7
