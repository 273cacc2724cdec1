"""What can go wrong before or while recording, worded for a user."""


class RecordError(Exception):
    """A mistake with its next step; ``exit_code`` is 2 for a wrong request, 3 for this machine."""

    def __init__(self, what: str, next_step: str = "", *, exit_code: int = 3) -> None:
        super().__init__(what, next_step)
        self.what = what
        self.next_step = next_step
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.what}\n  {self.next_step}" if self.next_step else self.what
