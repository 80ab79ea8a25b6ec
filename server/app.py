"""The application: routes and what stands behind them."""

from typing import Any

from falcon.asgi import App, Request, Response

from server import problems
from server.networks import NetworkCatalog, load_catalog
from server.payloads import MfccDecoder
from server.resources.health import LivenessResource, ReadinessResource
from server.resources.initialisation import ConfigurationResource
from server.resources.prediction import PredictionResource
from server.settings import Settings, load_settings

DEFAULT_N_MFCC = 25


def create_app(settings: Settings, catalog: NetworkCatalog) -> App:  # type: ignore[type-arg]
    """Builds the application over the networks of `catalog`."""
    app = App()
    app.set_error_serializer(problems.serialize)
    # Without a contract no network is served, and any number of coefficients will do.
    n_mfcc = catalog.contract.n_mfcc if catalog.contract else DEFAULT_N_MFCC
    limit = settings.server.maximum_body_bytes
    prediction = PredictionResource(catalog, MfccDecoder(n_mfcc), limit)
    configuration = ConfigurationResource(catalog)
    app.add_route("/prediction/{network_type}", prediction)
    app.add_route("/init/configuration", configuration)
    # The path that the published Android client calls.
    app.add_route("/configuration/init", configuration)
    app.add_route("/livez", LivenessResource())
    app.add_route("/readyz", ReadinessResource(catalog))
    app.add_sink(_refuse_path)
    return app


def get_app() -> App:  # type: ignore[type-arg]
    """What Gunicorn imports in each worker: reads the settings and loads the networks."""
    settings = load_settings()
    return create_app(settings, load_catalog(settings.models.directory))


async def _refuse_path(req: Request, resp: Response | None, **_: Any) -> None:  # noqa: ARG001
    raise problems.no_such_path(req.path)
