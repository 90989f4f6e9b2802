"""A Python interpreter for tests that need not import the large libraries again in every process.

``python preloaded.py FOLDER [LIBRARY ...]`` imports them once, writes ``FOLDER/python`` and answers
it until its standard input is closed. What runs by ``FOLDER/python SCRIPT`` or ``FOLDER/python -m
MODULE`` is a fork of this process with the caller's arguments, folder, environment and open
streams: a process of its own like any other, 0.05 s instead of 2 s after it was asked for. Nothing
of this package is imported here, so that each fork imports the sources that its own ``PYTHONPATH``
names.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    "dvc.cli",
    "grimp",
    "h5py",
    "jinja2",
    "jsonschema",
    "matplotlib.pyplot",
    "nibabel",
    "numba",
    "onnx",
    "optuna",
    "pandas",
    "rich.progress",
    "safetensors.torch",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.stats",
    "SimpleITK",
    "skfmm",
    "sklearn.cluster",
    "sklearn.metrics",
    "snakemake.cli",
    "snakemake.workflow",
    "torch",
    "yaml",
)
# An interpreter that imports next to nothing: it hands over what it was given and waits.
PYTHON = """\
#!{executable} -IS
import json, os, socket, sys

if sys.argv[1:2] == ["-m"] or sys.argv[1:2] and not sys.argv[1].startswith("-"):
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    with socket.socket(socket.AF_UNIX) as server:
        server.connect({address!r})
        socket.send_fds(server, [len(asked).to_bytes(8, "little")], [0, 1, 2])
        server.sendall(asked)
        answer = server.recv(1)
    sys.exit(answer[0] if answer else 1)
os.execv({executable!r}, [{executable!r}, *sys.argv[1:]])
"""


def main(folder: Path, libraries: Sequence[str]) -> None:
    """Serve until standard input ends; in a fork: run what was asked for."""
    for name in libraries:
        with contextlib.suppress(ImportError):  # an optional one
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # so that forks share these pages
    named = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    paths = [path for path in sys.path[1:] if path not in named]  # [0] is this file's folder
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        server.listen()
        _write_python(folder)
        if not (asked := _serve(server)):
            return
    _end(_exit_code(lambda: _run(*asked, paths, str(folder / "python"))))


def _write_python(folder: Path) -> None:
    text = PYTHON.format(executable=sys.executable, address=str(folder / "socket"))
    new = folder / "python.new"
    new.write_text(text)
    new.chmod(0o755)
    new.rename(folder / "python")


def _serve(server: socket.socket) -> tuple[list[str], str, dict[str, str]] | None:
    """Returns in a fork, with what that is to run; at the end in the server itself, with None."""
    while True:
        ready, _, _ = select.select([server, sys.stdin], [], [])
        _forget_ended()
        if sys.stdin in ready:
            return None
        connection, _ = server.accept()
        if os.fork():
            connection.close()
            continue
        server.close()
        size, streams, _, _ = socket.recv_fds(connection, 8, 3)
        asked = json.loads(connection.makefile("rb").read(int.from_bytes(size, "little")))
        worker = os.fork()
        if worker:
            _keep(connection, worker, streams)
        connection.close()
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
            os.close(stream)
        return asked


def _forget_ended() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _keep(connection: socket.socket, worker: int, streams: list[int]) -> None:
    """Wait for the worker and tell its exit code; end it when the one who asked is gone."""
    for stream in (0, 1, 2, *streams):
        os.close(stream)
    ended = os.pidfd_open(worker)
    ready, _, _ = select.select([connection, ended], [], [])
    if ended not in ready:
        os.kill(worker, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    with contextlib.suppress(OSError):
        connection.sendall(bytes([code % 256]))
    os._exit(0)


def _exit_code(call: Callable[[], None]) -> int:
    try:
        call()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End as an interpreter does, but for taking its modules apart: that would copy every page that
    is shared with the server."""
    threading._shutdown()  # waits for threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code % 256)


def _run(
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    paths: list[str],
    python: str,
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.executable = python  # for what this process starts in turn
    named = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path[:] = [folder, *named, *paths]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path[:] = [str(Path(arguments[0]).resolve().parent), *named, *paths]
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or LIBRARIES)
