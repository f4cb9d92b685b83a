"""What smdebug 1.0.34 needs to work among today's packages, put right from outside; nothing is touched without need."""

import ast
import importlib
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import google.protobuf
import numpy as np
from google.protobuf import descriptor_pool
from google.protobuf.internal import builder

GENERATED = "smdebug.core.tfevent.proto"


def make_smdebug_work() -> None:
    """Import smdebug, repaired and silent.

    Raises
    ------
    Exception
        Whatever its import raises, among them ModuleNotFoundError.
    """
    # Its logger prints timestamps and stack traces to the job's log; what matters arrives as an exception.
    os.environ.setdefault("SMDEBUG_LOG_LEVEL", "off")
    _stand_in_for_pyinstrument()
    _renew_generated_protobuf_code()
    importlib.import_module("smdebug.core.writer")
    _write_arrays_with_tobytes()
    _let_failed_writers_fail()


def _stand_in_for_pyinstrument() -> None:
    """smdebug imports it for a profiler of Python code that nothing here starts."""
    if importlib.util.find_spec("pyinstrument") is None:
        package, renderers = ModuleType("pyinstrument"), ModuleType("pyinstrument.renderers")
        vars(package).update(Profiler=None, renderers=renderers, __spec__=ModuleSpec("pyinstrument", None))
        vars(renderers).update(JSONRenderer=None)
        sys.modules.update({"pyinstrument": package, "pyinstrument.renderers": renderers})


def _renew_generated_protobuf_code() -> None:
    """protobuf 4 and newer refuse Python code that protoc generated before 3.19.

    Their own way out, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python, works only before the first import of protobuf and
    makes a saved step ten times as slow.
    """
    package = importlib.import_module(GENERATED)
    if int(google.protobuf.__version__.split(".")[0]) >= 4:
        for file in Path(package.__path__[0]).glob("*_pb2.py"):
            _build_as_protoc_would_today(file)


def _build_as_protoc_would_today(file: Path) -> None:
    """Make a generated module of the serialised description that stands in it, after those it depends on."""
    name = f"{GENERATED}.{file.stem}"
    if name in sys.modules:
        return
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == GENERATED:
            for alias in node.names:
                _build_as_protoc_would_today(file.with_name(f"{alias.name}.py"))
    [serialised] = [
        ast.literal_eval(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "serialized_pb"
    ]
    module = ModuleType(name)
    description = descriptor_pool.Default().AddSerializedFile(serialised)
    builder.BuildMessageAndEnumDescriptors(description, vars(module))
    builder.BuildTopDescriptorsAndMessages(description, name, vars(module))
    sys.modules[name] = module


class _ArrayWithToString(np.ndarray[Any, Any]):
    tostring = np.ndarray.tobytes


def _write_arrays_with_tobytes() -> None:
    """NumPy 2.3 took `tostring` away, which smdebug calls on every array that it writes."""
    from smdebug.core import writer

    original = writer.make_tensor_proto
    if hasattr(np.ndarray, "tostring") or original.__module__ == __name__:
        return

    def make_tensor_proto(nparray_data: np.ndarray[Any, Any], tag: str) -> object:
        return original(nparray_data.view(_ArrayWithToString), tag)

    writer.make_tensor_proto = make_tensor_proto


def _let_failed_writers_fail() -> None:
    """A thread writes the events. When it dies (of a full disk), training would wait for its queue for ever."""
    from smdebug.core.tfevent import event_file_writer as events

    if events._EventLoggerThread.__module__ == __name__:
        return

    class DrainingThread(events._EventLoggerThread):
        error: Exception | None = None

        def run(self) -> None:
            try:
                super().run()
            except Exception as error:
                self.error = error
                while self._queue.get() is not self._sentinel_event:
                    self._queue.task_done()
                self._queue.task_done()

    flush = events.EventFileWriter.flush

    def flush_or_fail(self: Any) -> None:
        flush(self)
        if self._worker.error:
            raise self._worker.error

    events._EventLoggerThread = DrainingThread
    events.EventFileWriter.flush = flush_or_fail
