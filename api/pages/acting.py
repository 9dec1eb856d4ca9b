"""From a form to an act: who, why, and the sentence that says what came of it."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest

from api.acts import ActRefused, Operator


def operator(request: HttpRequest) -> Operator:
    """Return who acts, and why, as the form says. Raises ActRefused for no or too long a reason."""
    why = " ".join(request.POST.get("why", "").split())
    if not why:
        raise ActRefused("Write down why; the reason is kept with the act.")
    return Operator(who=request.user.get_username(), why=why, at=datetime.now(UTC))


def attempt(request: HttpRequest, act: Callable[[Operator], str]) -> None:
    """Carry the act out and tell what came of it, or why it was refused."""
    try:
        messages.success(request, act(operator(request)))
    except ActRefused as refusal:
        text = str(refusal)
        messages.error(request, text[:1].upper() + text[1:] + ("" if text.endswith(".") else "."))
