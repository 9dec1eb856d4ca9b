"""The service's URLs. /sns has both spellings, since a POST must not meet a redirect."""

from django.urls import include, path

from api import views

urlpatterns = [
    path("sns", views.sns, name="sns"),
    path("sns/", views.sns, name="sns"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("", include("api.pages.urls")),
]
