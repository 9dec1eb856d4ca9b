"""All URLs are the service's."""

from django.urls import include, path

urlpatterns = [path("", include("api.urls"))]
