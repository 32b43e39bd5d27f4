"""What tests of API keys share: views to ask, and what they answer."""

from datetime import timedelta

from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView, exception_handler

from apikeys.permissions import HasScope
from apikeys.scopes import Scope

DAY = timedelta(days=1)


class Probe(APIView):
    """Says who asks; what a real view of the platform declares."""

    permission_classes = [HasScope]
    required_scopes = {"GET": Scope.JOBS_READ, "POST": Scope.JOBS_WRITE}

    def get_exception_handler(self):
        return exception_handler

    def get(self, request):
        return Response({"merchant": request.user.merchant.slug, "key": str(request.auth.pk)})

    def post(self, request):
        return Response({})

    def put(self, request):
        return Response({})


def ask(text=None, *, view=Probe, method="get", url="/", **meta):
    """Send one request; return the response of the real view, rendered."""
    if text is not None:
        meta["HTTP_X_API_KEY"] = text
    request = getattr(APIRequestFactory(), method)(url, **meta)
    return view.as_view()(request).render()


def code_of(response):
    detail = response.data["detail"]
    assert isinstance(detail, ErrorDetail)
    return response.status_code, detail.code
