# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
"""The C library by ctypes: one class for both kinds of handle, errors as OSError."""
import ctypes
import errno
import math
import os
import time

FOREVER = -1
INTERRUPTIBLE, MKDIR = 0x0020, 0x0100
FLOCK = 1

lib = ctypes.CDLL(os.environ.get("IPCLOCK_LIBRARY", "libipclock.so.0"))
_P, _INT = ctypes.c_void_p, ctypes.c_int
SLEEP = ctypes.CFUNCTYPE(None, _P, _INT)


def _declare(name, restype, *argtypes):
    function = getattr(lib, name)
    function.restype, function.argtypes = restype, argtypes


_declare("ipclock_attr_new", _INT, ctypes.POINTER(_P))
_declare("ipclock_attr_free", None, _P)
_declare("ipclock_attr_set_backoff", _INT, _P, _INT, _INT)
_declare("ipclock_attr_set_sleep", _INT, _P, SLEEP, _P)
_declare("ipclock_attr_set_protocol", _INT, _P, _INT)
_declare("ipclock_attr_set_range", _INT, _P, ctypes.c_int64, ctypes.c_int64)
_declare("ipclock_attr_set_flags", _INT, _P, ctypes.c_uint)
for _prefix in "ipclock_", "ipclock_rw_":
    _declare(_prefix + "open", _INT, ctypes.POINTER(_P), ctypes.c_char_p, _P)
    _declare(_prefix + "open_fd", _INT, ctypes.POINTER(_P), _INT, _P)
    _declare(_prefix + "step", _INT, _P, ctypes.POINTER(_INT))
    _declare(_prefix + "message", ctypes.c_char_p, _P)
    _declare(_prefix + "cancel", None, _P)
    for _name in "close", "pollfd", "fd", "held":
        _declare(_prefix + _name, _INT, _P)
for _name in "acquire", "start", "rw_acquire_read", "rw_acquire_write":
    _declare("ipclock_" + _name, _INT, _P, _INT)
for _name in "release", "rw_release_read", "rw_release_write":
    _declare("ipclock_" + _name, _INT, _P)


def ms(seconds):
    """None or less than 0: for ever. Rounded up, so that no wait is shorter than asked for."""
    return FOREVER if seconds is None or seconds < 0 else math.ceil(seconds * 1000)


def _fill(attr, protocol, whole_file, flags, backoff, sleep):
    calls = [lib.ipclock_attr_set_flags(attr, flags)]
    if protocol:
        calls.append(lib.ipclock_attr_set_protocol(attr, protocol))
    if whole_file:
        calls.append(lib.ipclock_attr_set_range(attr, 0, 0))
    if backoff:
        calls.append(lib.ipclock_attr_set_backoff(attr, *(max(1, ms(pause)) for pause in backoff)))
    if sleep:
        calls.append(lib.ipclock_attr_set_sleep(attr, sleep, None))
    for code in filter(None, calls):
        raise OSError(code, os.strerror(code))


class Handle:
    """A struct ipclock, or with rw a struct ipclock_rw, of a path or of a descriptor."""

    def __init__(self, where, rw=False, protocol=0, whole_file=False, flags=0, backoff=None, sleep=None):
        self._as_parameter_ = None
        self._prefix = "ipclock_rw_" if rw else "ipclock_"
        self._sleep = SLEEP(lambda _, pause: sleep(pause / 1000)) if sleep else None  # C calls it until close
        attr, handle = _P(), _P()
        if lib.ipclock_attr_new(ctypes.byref(attr)):
            raise MemoryError
        try:
            _fill(attr, protocol, whole_file, flags | INTERRUPTIBLE, backoff, self._sleep)
            if isinstance(where, int):
                self.check(self.call("open_fd", ctypes.byref(handle), where, attr))
            else:
                self.check(self.call("open", ctypes.byref(handle), os.fsencode(where), attr))
        finally:
            lib.ipclock_attr_free(attr)
        self._as_parameter_ = handle

    def call(self, name, *args):
        return getattr(lib, self._prefix + name)(*args)

    def check(self, code):
        """Raises what the code says: TimeoutError, BlockingIOError (both: somebody has it), another OSError."""
        if code:
            text = self.call("message", self._as_parameter_) or os.strerror(code).encode()
            raise OSError(errno.EAGAIN if code == errno.EBUSY else code, os.fsdecode(text))

    def acquire(self, seconds=None, kind=""):
        """True, or False where somebody has it. A signal's Python handler runs between two waits."""
        timeout = ms(seconds)
        end = time.monotonic() + timeout / 1000
        while True:
            code = self.call("acquire" + kind, self, timeout)
            if code != errno.EINTR:
                break
            if timeout > 0:
                timeout = max(0, ms(max(0, end - time.monotonic())))
        if code in (errno.EBUSY, errno.ETIMEDOUT):
            return False
        self.check(code)
        return True

    def close(self):
        """Releases, cancels, frees."""
        handle, self._as_parameter_ = self._as_parameter_, None
        if handle is not None:
            self.call("close", handle)

    __del__ = close
