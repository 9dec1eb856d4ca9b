"""Who one is: login with a limit on attempts, one-time links in local mode, the account."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from api import wiring
from api.pages import attempts, links

_TOO_MANY: Final = "Too many attempts. Wait a few minutes, then try again."


class _LoginForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        account = str(self.cleaned_data.get("username", ""))[:150].casefold()
        if self.request is None:
            raise AssertionError("the login view gives its form the request")
        slots = caches["shared"]
        taken = attempts.take(slots, account, attempts.address_of(self.request))
        if taken is None:
            raise ValidationError(_TOO_MANY, code="too-many-attempts")
        cleaned = super().clean()
        attempts.release(slots, taken)
        return cleaned


class Login(LoginView):
    """The login page; whoever is logged in is led on."""

    template_name = "login.html"
    authentication_form = _LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - Django's signature
        """Add what the template needs."""
        return {**super().get_context_data(**kwargs), "is_local": wiring.is_local()}

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again, with the status that says why."""
        response = super().form_invalid(form)
        is_throttled = any(error.code == "too-many-attempts" for error in form.non_field_errors().as_data())
        response.status_code = 429 if is_throttled else 400
        return response


@require_GET
def login_link(request: HttpRequest, token: str) -> HttpResponse:
    """Log in whoever holds a link that `manage.py loginlink` printed. Local mode only."""
    if not wiring.is_local():
        raise Http404
    username = links.use_token(token, caches["shared"])
    user = User.objects.filter(username=username, is_active=True).first() if username else None
    if user is None:
        messages.error(request, "This link was used already or is too old. `manage.py loginlink` makes one.")
        return redirect("login")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("overview")


@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show who one is and what one may do; change one's password."""
    user = User.objects.get_by_natural_key(request.user.get_username())
    form = PasswordChangeForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, "Your password is changed.")
        return redirect("account")
    return render(request, "account.html", {"form": form}, status=400 if form.is_bound else 200)
