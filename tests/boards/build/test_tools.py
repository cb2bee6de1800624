"""Children are followed, measured and, whatever happens, ended."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import boards
from boards.build import tools
from boards.build.tools import Runner, Toolrun


def python(text):
    return [sys.executable, "-u", "-c", text]


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended and that nobody waited for is not running.
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def soon(condition, seconds=5.0):
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.01)
    return condition()


def test_every_line_is_followed_and_logged(tmp_path):
    lines = []
    script = "import sys\nprint('one')\nprint('two', file=sys.stderr)\nsys.exit(3)"
    with Runner() as runner:
        run = runner.run("tool", python(script), tmp_path, tmp_path / "tool.log", lines.append)
    assert lines == ["one", "two"]
    assert (tmp_path / "tool.log").read_text() == "one\ntwo\n"
    assert (run.status, run.last, run.stopped) == (3, ("one", "two"), False)


def test_time_and_memory_are_those_of_the_child(tmp_path):
    # Linux counts what the parent held when it began the child as the child's too.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    size = own + 150
    script = f"import time\nheld = bytearray({size} << 20)\nheld[::4096] = b'x' * len(held[::4096])\ntime.sleep(0.3)"
    with Runner() as runner:
        large = runner.run("tool", python(script), tmp_path, tmp_path / "log")
        small = runner.run("tool", python(""), tmp_path, tmp_path / "log")
    assert size < large.peak_mib < size + 100
    assert small.peak_mib < own + 50
    assert 0.3 <= large.seconds < 5
    assert large.as_dict() == {"tool": "tool", "seconds": large.seconds, "peak_mib": large.peak_mib}


def test_a_child_whose_time_is_up_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(tools, "SECONDS_TO_END", 0.2)
    left = [60.0]
    deaf = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf')\ntime.sleep(60)"
    for script in ("import time\nprint('hears')\ntime.sleep(60)", deaf):
        left[0] = 60.0
        start = time.monotonic()
        with Runner() as runner:
            # The limit falls when the child has said something: it is not only asked at the start.
            run = runner.run(
                "tool", python(script), tmp_path, tmp_path / "log", lambda line: left.clear(), lambda: sum(left)
            )
        assert time.monotonic() - start < 5
        assert (run.stopped, run.overdue, run.status < 0) == (True, True, True)
        left.append(60.0)


def test_a_child_that_ends_in_time_is_left_alone(tmp_path):
    with Runner() as runner:
        run = runner.run("tool", python("print('done')"), tmp_path, tmp_path / "log", limit=lambda: 30.0)
    assert (run.status, run.stopped, run.overdue) == (0, False, False)


def test_stopping_ends_children_and_what_they_started(tmp_path):
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid)\ntime.sleep(60)"
    )
    pids, runs = [], []
    with Runner() as runner:
        thread = threading.Thread(
            target=lambda: runs.append(runner.run("tool", python(script), tmp_path, tmp_path / "log", pids.append))
        )
        thread.start()
        assert soon(lambda: bool(pids))
        grandchild = int(pids[0])
        assert is_running(grandchild)
    thread.join(5)
    assert runs[0].stopped
    assert runs[0].status == -signal.SIGTERM
    assert soon(lambda: not is_running(grandchild))


def test_a_child_is_ended_when_its_follower_fails(tmp_path):
    pids = []

    def follow(line):
        pids.append(int(line))
        raise KeyboardInterrupt

    script = "import os, time\nprint(os.getpid())\ntime.sleep(60)"
    with pytest.raises(KeyboardInterrupt), Runner() as runner:
        runner.run("tool", python(script), tmp_path, tmp_path / "log", follow)
    assert not is_running(pids[0])


def test_a_child_that_will_not_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("boards.build.tools.SECONDS_TO_END", 0.3)
    script = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(os.getpid())\ntime.sleep(60)"
    )
    pids, runs = [], []
    with Runner() as runner:
        thread = threading.Thread(
            target=lambda: runs.append(runner.run("tool", python(script), tmp_path, tmp_path / "log", pids.append))
        )
        thread.start()
        assert soon(lambda: bool(pids))
    thread.join(5)
    assert runs[0].status == -signal.SIGKILL
    assert not is_running(int(pids[0]))


def test_nothing_is_started_after_the_end(tmp_path):
    runner = Runner()
    runner.close()
    run = runner.run("tool", python("open('made', 'w')"), tmp_path, tmp_path / "log")
    assert run.stopped
    assert not (tmp_path / "made").exists()


def test_termination_ends_children(tmp_path):
    script = (
        "import sys\nfrom pathlib import Path\nfrom boards.build.tools import Runner\n"
        "with Runner() as runner:\n"
        "    child = [sys.executable, '-u', '-c', 'import os, time; print(os.getpid()); time.sleep(60)']\n"
        "    runner.run('tool', child, Path('.'), Path('log'), lambda line: print(line, flush=True))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(boards.__file__).parents[1])}
    with subprocess.Popen(python(script), cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(10) == 128 + signal.SIGTERM
    assert soon(lambda: not is_running(child))


@pytest.mark.parametrize(
    ("status", "last", "complaint"),
    [
        (1, ("Info: a", "ERROR: no room", "1 warning, 1 error", ""), "no room"),
        (1, ("Traceback", "ValueError: bad", ""), "ValueError: bad"),
        (1, (), "it said nothing"),
        (-11, ("Info: a",), "ended by signal 11"),
    ],
)
def test_complaint_is_the_first_error_else_the_last_words(status, last, complaint):
    assert Toolrun("tool", status, 1.0, None, last).complaint == complaint
