"""A Falcon app with an empty handler: the cost of the framework and the worker alone."""

from falcon.asgi import App, Request, Response


class EmptyResource:
    async def on_post(self, req: Request, resp: Response, network_type: str) -> None:
        pass


app = App()
app.add_route("/prediction/{network_type}", EmptyResource())
