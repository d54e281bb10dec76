"""What is said of a frame that cannot be read, and of a message that cannot be written."""

from __future__ import annotations

from onefill.model.errors import OnefillError


class FrameRefused(OnefillError):
    """A frame that cannot be believed. `code` is FRAME_INVALID, FRAME_TOO_LARGE, CHECKSUM_WRONG,
    COMMAND_INVALID, RESULT_INVALID or PROFILE_INVALID; `id` is the command's id where it could be
    read, so that it can be answered."""

    def __init__(self, code: str, message: str, command_id: str = "") -> None:
        super().__init__(code, message)
        self.id = command_id


class NotExpressible(OnefillError):
    """A command that this framing has no words for; nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__("NOT_EXPRESSIBLE", message)


class Wrong(Exception):
    """A value that cannot be taken: the field's name on the wire, and what was expected of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
