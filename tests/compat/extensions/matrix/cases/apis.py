"""Extensions for interfaces of programs."""

from __future__ import annotations

import typing as t

from flask import Flask
from pydantic import BaseModel

from flask_isr import static_page

from ..case import case


class _Numbered(BaseModel):
    """An item, for those that look at annotations."""

    number: int


@case("Flask-RESTful")
def restful(app: Flask) -> None:
    """A resource."""
    from flask_restful import Api
    from flask_restful import Resource

    class Item(Resource):
        """One item."""

        decorators: t.ClassVar = [static_page()]

        def get(self, number: int) -> dict[str, int]:
            """The item."""
            return {"number": number}

    Api(app).add_resource(Item, "/own/<int:number>", endpoint="own")


@case("Flask-RESTX")
def restx(app: Flask) -> None:
    """A resource, and its documentation."""
    from flask_restx import Api
    from flask_restx import Resource

    api = Api(app, doc="/docs")

    @api.route("/own/<int:number>", endpoint="own")
    class Item(Resource):
        """One item."""

        decorators: t.ClassVar = [static_page()]

        def get(self, number: int) -> dict[str, int]:
            """The item."""
            return {"number": number}


@case("flask-smorest")
def smorest(app: Flask) -> None:
    """A view with a schema."""
    from flask_smorest import Api
    from flask_smorest import Blueprint
    from marshmallow import Schema
    from marshmallow.fields import Integer

    class Item(Schema):
        """One item."""

        number = Integer()

    app.config |= {
        "API_TITLE": "Items",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
    }
    blueprint = Blueprint("items", "items")

    @blueprint.route("/<int:number>")
    @static_page()
    @blueprint.response(200, Item)
    def item(number: int) -> dict[str, int]:
        return {"number": number}

    Api(app).register_blueprint(blueprint, url_prefix="/own")


def _api_flask() -> type[Flask]:
    from apiflask import APIFlask

    return APIFlask


@case("APIFlask", app_class=_api_flask)
def api_flask(app: t.Any) -> None:
    """A view with a schema."""
    from apiflask import Schema
    from apiflask.fields import Integer

    class Item(Schema):
        """One item."""

        number = Integer()

    @app.get("/own/<int:number>")
    @static_page()
    @app.output(Item)
    def own(number: int) -> dict[str, int]:
        return {"number": number}


def _openapi() -> type[Flask]:
    from flask_openapi3 import OpenAPI

    return OpenAPI


@case("flask-openapi3", app_class=_openapi)
def openapi3(app: t.Any) -> None:
    """A view whose path is a model."""

    @app.get("/own/<int:number>", endpoint="own")
    @static_page()
    def own(path: _Numbered) -> dict[str, int]:
        return {"number": path.number}


@case("Flask-Pydantic")
def pydantic(app: Flask) -> None:
    """A view that answers with a model."""
    from flask_pydantic import validate

    @app.get("/own/<int:number>")
    @static_page()
    @validate()
    def own(number: int) -> _Numbered:
        return _Numbered(number=number)


@case("flasgger")
def flasgger(app: Flask) -> None:
    """Its pages beside ours."""
    from flasgger import Swagger

    Swagger(app)


@case("Flask-Marshmallow")
def marshmallow(app: Flask) -> None:
    """A schema with a link."""
    from flask_marshmallow import Marshmallow

    ma = Marshmallow(app)

    class Item(ma.Schema):
        """One item."""

        url = ma.URLFor("own", values={"number": "<number>"})

    @app.get("/own/<int:number>")
    @static_page()
    def own(number: int) -> t.Any:
        return Item().dump({"number": number})


@case("Strawberry")
def strawberry(app: Flask) -> None:
    """GraphQL beside the pages."""
    import strawberry
    from strawberry.flask.views import GraphQLView

    @strawberry.type
    class Query:
        """What may be asked."""

        hello: str = "hello"

    view = GraphQLView.as_view("graphql", schema=strawberry.Schema(Query))
    app.add_url_rule("/graphql", view_func=view)


@case("Flask-CORS")
def cors(app: Flask) -> None:
    """For everybody."""
    from flask_cors import CORS

    CORS(app)


@case("Flask-SocketIO")
def socketio(app: Flask) -> None:
    """Around the application."""
    from flask_socketio import SocketIO

    SocketIO(app, async_mode="threading")
