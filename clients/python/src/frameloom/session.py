# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A session: agreed with the daemon, its frames sent, and going on where a connection broke."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Unpack

import numpy as np

from . import protocol
from .arguments import FrameArguments
from .connection import Connection, Deadline, Message
from .conventions import Conventions
from .errors import (ArgumentError, ClosedError, FrameError, FrameloomError, FullError,
                     NoDaemonError, ProtocolError, RefusedError, SessionError, words_of)
from .history import History
from .in_flight import Agreement, FramesInFlight
from .memory import FrameMemory
from .messages import Frame, Opened, bytes_of, head_of, header
from .pictures import Picture
from .planes import Layout, Record, arrays_of, plan

# After these a session can be resumed at once: nothing about it was wrong.
_RESUMABLE = (protocol.ERROR_IDLE, protocol.ERROR_SLOW_READER, protocol.ERROR_DRAINING)


class Session:
    """One session on one connection; made by `frameloom.connect`. One thread at a time."""

    def __init__(self, path: str, conventions: Conventions, *, timeout: float | None,
                 resume: float, history: History | None) -> None:
        self._path = path
        self._conventions = conventions
        self._timeout = timeout
        self._resume_seconds = resume
        self._opened: Opened | None = None
        self._awaits: int | None = None  # the type of message that answers a control message
        self._refusal: RefusedError | None = None
        self._memory = FrameMemory()
        self._frames = FramesInFlight(self._memory, history,
                                      is_bottom_up=conventions.origin == "bottom-left")
        self._last_id = 0 if history is None else history.frame_id
        self._reset_next = False
        self._is_closed = False
        self.resume_count = 0
        """How often a broken connection was replaced."""
        self._connection = Connection(path, Deadline(timeout))

    # ---- Frames -----------------------------------------------------------------------------

    def render(self, **frame: Unpack[FrameArguments]) -> Picture:
        """Sends one frame and waits for its picture; arguments as `submit`."""
        sent = self.submit(**frame)
        self._exchange(lambda: sent not in self._frames.unanswered)
        for item in self._frames.answers:
            if item.frame_id == sent:
                self._frames.answers.remove(item)
                return _given_out(item)
        raise FrameloomError(f"frame {sent} was dropped for a newer one", field="mailbox")

    def submit(self, **frame: Unpack[FrameArguments]) -> int:
        """Sends one frame and returns its id; `pictures` gives what comes back.

        Planes are arrays `[height, width]` or `[height, width, channels]`; they are copied, so
        they are yours again at once:

        - `base_color`: uint8 sRGB or float linear, 3 or 4 channels
        - `normals`: float from -1 to 1; uint8 with n = byte / 127.5 - 1; uint32 RGB10A2;
          octahedral with 2 channels; or the words "from depth"
        - `depth`: float, or uint16 with `depth_scale`; 0 or not finite is sky
        - `roughness`, and if wanted `metallic`: float from 0 to 1, or uint8; one number for all
          pixels; or both in one plane `occlusion_roughness_metallic`, uint8
        - if wanted `motion`: float, 2 channels; `known`: uint8 sRGB, straight alpha; `emissive`:
          float linear or uint8 sRGB, 3 or 4 channels, for models that read it

        The first frame opens the session; one of another size, or with other planes or types,
        agrees that anew and keeps the history.

        The rest, as wanted:

        - `camera`: a `Camera`; without cameras and motion no picture can use the one before
        - `jitter`: pixels, right and down, that were added to the pixel centers
        - `reset`: a camera cut: this frame has no history
        - `approximate`: whether tiles that did not change may be kept, in an incremental session
          (there it is the default)
        - `motion_from`: id of the frame that `motion` points to; by default the one before
        - `frame_id`: a number above the last one's; by default the next
        - `show_planes`: answer with a picture of what was understood; the history stays

        Raises FullError if as many frames as agreed are unanswered or not taken.
        """
        arrays = arrays_of(frame)
        layout = plan(arrays)
        head = self._head(frame)
        if self._frames.agreement is None or layout != self._frames.agreement.layout:
            self._agree(layout)
        self._exchange(lambda: True)
        assert self._opened is not None
        limit = self._opened.max_in_flight
        if len(self._frames) >= limit:
            raise FullError(f"{limit} frames are in flight or not taken: take pictures first",
                            field="max_in_flight", value=limit, limit=limit)
        shared, slot, payload = self._memory.taken(layout.byte_count)
        layout.write(payload, arrays)
        sent = Frame(int(head["header"]["frame_id"]), head, payload, shared, slot,
                     frame.get("camera"), frame.get("jitter", (0.0, 0.0)), time.monotonic(),
                     frame.get("show_planes", False))
        self._last_id = sent.frame_id
        self._reset_next = False
        self._frames.unanswered[sent.frame_id] = sent
        self._put(sent)
        self._exchange(lambda: self._connection.is_written)
        return sent.frame_id

    def pictures(self, *, leave: int = 0) -> Iterator[Picture]:
        """Gives pictures in the order of their frames until at most `leave` have no answer.

        A frame that failed raises FrameError in its place; call again for the rest.
        """
        answers, unanswered = self._frames.answers, self._frames.unanswered
        while True:
            if answers:
                yield _given_out(answers.popleft())
            elif len(unanswered) <= leave:
                return
            else:
                self._exchange(lambda: bool(answers) or len(unanswered) <= leave)

    def stream(self, frames: Iterable[FrameArguments], *, in_flight: int = 2
               ) -> Iterator[Picture]:
        """Renders frames (each the arguments of `submit`) with several under way at a time."""
        for frame in frames:
            self.submit(**frame)
            assert self._opened is not None
            yield from self.pictures(leave=max(1, min(in_flight, self._opened.max_in_flight)) - 1)
        yield from self.pictures()

    def reset(self) -> None:
        """Lets the next frame start without history (a camera cut)."""
        self._reset_next = True

    @property
    def in_flight(self) -> int:
        """Frames sent and neither answered nor dropped."""
        return len(self._frames.unanswered)

    @property
    def opened(self) -> Opened | None:
        """What the daemon agreed to; None before the first frame."""
        return self._opened

    @property
    def history(self) -> History | None:
        """A copy of what the next frame continues from, to be kept for `connect(history=...)`."""
        history = self._frames.history()
        return None if history is None else history.copy()

    # ---- Life -------------------------------------------------------------------------------

    def resume(self, seconds: float | None = None) -> None:
        """Replaces the connection: the session goes on from its last picture and the frames
        without an answer are sent again. Happens by itself, unless `connect(resume=0)`.

        `seconds`: how long to wait for a daemon that is being restarted.
        """
        deadline = Deadline(seconds if seconds is not None else self._resume_seconds)
        while True:
            try:
                self._connection.close()
                self._connection = Connection(self._path, deadline, waits_for_daemon=True)
                if self._frames.agreement is not None:
                    self._open_again(self._frames.agreement, deadline)
                break
            except (ClosedError, SessionError) as error:
                # A daemon that is just ending may still take the connection.
                if deadline.is_over or getattr(error, "code", None) not in (None, *_RESUMABLE):
                    raise
                time.sleep(0.005)
        if self._frames.agreement is not None:
            self._share(self._frames.agreement.layout)
        self.resume_count += 1
        for frame in self._frames.unanswered.values():
            self._put(frame)

    def close(self) -> None:
        """Ends the session; frames without an answer are rendered and their pictures forgotten."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._opened is not None:
                self._control(protocol.CLOSE, 0, b"", b"", protocol.CLOSED, Deadline(10))
        except FrameloomError:
            pass  # There is nothing left to lose.
        finally:
            self._connection.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is not None:
            # The frames under way are nobody's any more.
            self._is_closed = True
            self._connection.close()
        self.close()

    def __repr__(self) -> str:
        opened = self._opened
        if opened is None:
            return f"<frameloom.Session on {self._path}, not open yet>"
        size = ""
        if self._frames.agreement is not None:
            layout = self._frames.agreement.layout
            size = f", {layout.width}x{layout.height}"
        return (f"<frameloom.Session {opened.session_id}{size}, model {opened.model}, "
                f"{opened.precision} on {opened.kernel_path}>")

    # ---- Agreeing ---------------------------------------------------------------------------

    def _agree(self, layout: Layout) -> None:
        """Opens the session, or changes the layout of the one that is open."""
        record = self._conventions.open_record(layout)
        if self._frames.agreement is None:
            try:
                self._open(layout, record, Deadline(self._timeout))
            except RefusedError as error:
                # A daemon that is older than shared memory does not know the word.
                if error.code != protocol.ERROR_FEATURE or not self._conventions.shared_memory:
                    raise
                self._conventions = replace(self._conventions, shared_memory=False)
                self.resume(self._timeout)
                return self._agree(layout)
            except (ClosedError, SessionError) as error:
                # A daemon does not wait long for the first frame of a connection.
                if getattr(error, "code", protocol.ERROR_IDLE) not in _RESUMABLE:
                    raise
                self.resume(self._timeout)
                self._open(layout, record, Deadline(self._timeout))
        else:
            self._exchange(lambda: not self._frames.unanswered)
            try:
                self._reconfigure(record, Deadline(self._timeout))
            except ClosedError:
                if not self._resume_seconds:
                    raise
                self.resume()
                self._reconfigure(record, Deadline(self._timeout))
        self._frames.agreement = Agreement(layout, record)
        self._memory.forget_spare()
        self._share(layout)

    def _open(self, layout: Layout, record: Record, deadline: Deadline) -> None:
        history = self._frames.history()
        if history is None:
            self._control(protocol.OPEN, 0, record.tobytes(), b"", protocol.OPENED, deadline)
        else:
            body = record.tobytes() + history.record().tobytes()
            self._control(protocol.OPEN, protocol.OPEN_HISTORY, body, history.payload(layout),
                          protocol.OPENED, deadline)

    def _open_again(self, agreement: Agreement, deadline: Deadline) -> None:
        """As the session stood at its history, then as at its end."""
        before = self._frames.history_agreement or agreement
        self._open(before.layout, before.record, deadline)
        if before.record.tobytes() != agreement.record.tobytes():
            self._reconfigure(agreement.record, deadline)

    def _share(self, layout: Layout) -> None:
        """Offers shared memory for this layout; what is refused goes on inline."""
        self._memory.is_shared = False
        if self._opened is None or not self._opened.may_share_memory:
            return
        try:
            # One for the frame that is the history, one for a frame refused half-written.
            shared = self._memory.slots(layout, self._opened.max_in_flight + 2)
        except OSError:
            return
        self._refusal, self._awaits = None, protocol.SHARED
        record = shared.record()
        self._connection.put(
            header(protocol.SHARE, 0, record.nbytes, 1).tobytes() + record.tobytes())
        self._connection.put_descriptor(shared.descriptor)
        try:
            self._connection.exchange(lambda: self._awaits is None, Deadline(self._timeout),
                                      self._frames.place, self._take)
        finally:
            self._awaits = None
        self._memory.is_shared = self._refusal is None
        self._refusal = None

    def _reconfigure(self, record: Record, deadline: Deadline) -> None:
        self._control(protocol.RECONFIGURE, protocol.OPEN_KEEP_HISTORY, record.tobytes(), b"",
                      protocol.OPENED, deadline)

    def _control(self, kind: int, flags: int, body: bytes, payload: bytes, answer: int,
                 deadline: Deadline) -> None:
        """Sends a message that is about no frame and waits for its answer."""
        self._awaits, self._refusal = answer, None
        self._connection.put(header(kind, flags, len(body), len(payload)).tobytes() + body,
                             payload)
        try:
            self._connection.exchange(lambda: self._awaits is None, deadline, self._frames.place,
                                      self._take)
        except SessionError as error:
            if error.code in _RESUMABLE:
                raise
            raise RefusedError(**error.parts()) from None
        finally:
            self._awaits = None
        if self._refusal is not None:
            raise self._refusal

    # ---- Sending ----------------------------------------------------------------------------

    def _head(self, frame: FrameArguments) -> Record:
        """Header and `fl_frame`."""
        if self._is_closed:
            raise ClosedError("the session was closed")
        stated = frame.get("frame_id")
        number = self._last_id + 1 if stated is None else stated
        if not self._last_id < number < 2**64:
            raise ArgumentError(f"frame_id {number} is not above the last one, {self._last_id}",
                                field="frame_id", value=number, limit=self._last_id)
        return head_of(frame, number, bool(frame.get("reset")) or self._reset_next,
                       self._conventions.incremental)

    def _put(self, frame: Frame) -> None:
        self._connection.put(*bytes_of(frame, self._memory.is_in_slot(frame)))

    def _exchange(self, is_done: Callable[[], bool]) -> None:
        """`Connection.exchange` that goes on after a broken connection."""
        deadline = Deadline(self._timeout)
        while True:
            try:
                self._connection.exchange(is_done, deadline, self._frames.place, self._take)
                return
            except (ClosedError, SessionError) as error:
                resumable = getattr(error, "code", protocol.ERROR_IDLE) in _RESUMABLE
                if not resumable or not self._resume_seconds or self._is_closed:
                    raise
                try:
                    self.resume()
                except NoDaemonError as absent:
                    raise absent from error

    # ---- Receiving --------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        kind = int(message.header["type"])
        if kind == protocol.PICTURE:
            self._frames.take_picture(message)
        elif kind == protocol.ERROR:
            self._take_error(message)
        elif kind == self._awaits:
            if kind == protocol.OPENED:
                self._opened = Opened.of(message.body)
            self._awaits = None
        elif kind == protocol.CLOSED:
            raise ClosedError("the daemon closed the session")
        else:
            raise ProtocolError(f"a message of type {kind} that nobody asked for", field="type",
                                value=kind)

    def _take_error(self, message: Message) -> None:
        error = words_of(np.frombuffer(message.body, protocol.error_dtype, 1)[0])
        severity = np.frombuffer(message.body, protocol.error_dtype, 1)[0]["severity"]
        frame_id = int(message.header["frame_id"])
        if severity == protocol.SEVERITY_SESSION:
            raise SessionError(**error)
        if frame_id == 0 and self._awaits is not None:
            self._refusal = RefusedError(**error)
            self._awaits = None
            return
        self._frames.take_error(frame_id, error)


def _given_out(item: Picture | FrameError) -> Picture:
    if isinstance(item, FrameError):
        raise item
    return item
