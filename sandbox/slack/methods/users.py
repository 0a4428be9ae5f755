"""users.*, usergroups.*, auth.*, bots.*: who is who."""

from __future__ import annotations

from sandbox.slack.blockkit import Json
from sandbox.slack.call import Call
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Desk
from sandbox.slack.paging import page
from sandbox.world import UserGroup


def api_test(_desk: Desk, call: Call) -> Json:
    """`api.test`. Fails as asked with `error`."""
    error = call.text("error")
    if error is not None:
        raise SlackError(error)
    return {"args": {name: value for name, value in call.arguments.items() if name != "token"}}


def auth_test(desk: Desk, _call: Call) -> Json:
    """`auth.test`."""
    world = desk.workspace.world
    return {
        "url": f"{desk.workspace.public_url}/slack/",
        "team": world.team.name,
        "user": world.app.name.lower(),
        "team_id": world.team.id,
        "user_id": world.app.user_id,
        "bot_id": world.app.bot_id,
        "is_enterprise_install": False,
    }


def _described(desk: Desk, user: str) -> Json:
    """A user as this app may see them: an address only with its own scope."""
    shown = desk.workspace.describe_user(user)
    if "users:read.email" not in desk.scopes:
        shown["profile"].pop("email", None)
    return shown


def info(desk: Desk, call: Call) -> Json:
    """`users.info`."""
    return {"user": _described(desk, call.needed("user", "user_not_found"))}


def list_users(desk: Desk, call: Call) -> Json:
    """`users.list`."""
    everyone = [person.id for person in desk.workspace.world.people] + [desk.workspace.bot]
    found, more = page(everyone, call)
    return {"members": [_described(desk, one) for one in found], "cache_ts": 0, "response_metadata": more["response_metadata"]}


def look_up_by_email(desk: Desk, call: Call) -> Json:
    """`users.lookupByEmail`."""
    email = call.needed("email", "users_not_found").lower()
    for person in desk.workspace.world.people:
        if person.email.lower() == email and desk.workspace.is_active(person.id):
            return {"user": _described(desk, person.id)}
    raise SlackError("users_not_found")


def conversations(desk: Desk, call: Call) -> Json:
    """`users.conversations`: those that a user (the bot, when none is named) is in."""
    user = call.text("user") or desk.workspace.bot
    wanted = call.names("types") or ["public_channel"]
    kinds = {"channel": "public_channel", "group": "private_channel", "im": "im", "mpim": "mpim"}
    found = [one for one in desk.workspace.conversations if user in one.members and kinds[one.channel_type] in wanted]
    shown, more = page(found, call)
    return {"channels": [desk.workspace.describe_conversation(one) for one in shown], "response_metadata": more["response_metadata"]}


def _describe_group(desk: Desk, group: UserGroup, *, users: bool) -> Json:
    members = desk.workspace.active(group.users)
    shown: Json = {
        "id": group.id,
        "team_id": desk.workspace.world.team.id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "description": "",
        "is_external": False,
        "date_create": 0,
        "date_update": 0,
        "date_delete": 0,
        "user_count": len(members),
    }
    return {**shown, "users": members} if users else shown


def list_usergroups(desk: Desk, call: Call) -> Json:
    """`usergroups.list`."""
    users = call.flag("include_users")
    return {"usergroups": [_describe_group(desk, group, users=users) for group in desk.workspace.world.usergroups]}


def usergroup_members(desk: Desk, call: Call) -> Json:
    """`usergroups.users.list`."""
    wanted = call.needed("usergroup", "no_such_subteam")
    for group in desk.workspace.world.usergroups:
        if group.id == wanted:
            return {"users": desk.workspace.active(group.users)}
    raise SlackError("no_such_subteam")


def bot_info(desk: Desk, call: Call) -> Json:
    """`bots.info`."""
    app = desk.workspace.world.app
    if (call.text("bot") or app.bot_id) != app.bot_id:
        raise SlackError("bot_not_found")
    return {
        "bot": {"id": app.bot_id, "deleted": False, "name": app.name, "updated": 0, "app_id": app.id, "user_id": app.user_id, "icons": {}}
    }


METHODS = {
    "api.test": api_test,
    "auth.test": auth_test,
    "users.info": info,
    "users.list": list_users,
    "users.lookupByEmail": look_up_by_email,
    "users.conversations": conversations,
    "usergroups.list": list_usergroups,
    "usergroups.users.list": usergroup_members,
    "bots.info": bot_info,
}
