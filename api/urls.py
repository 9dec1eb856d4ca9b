"""The service's URLs, but for /sns, which api.views.sns answers before they are looked at."""

from django.urls import include, path

from api import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("", include("api.pages.urls")),
]
