"""The limit to resolve, as two sides agree on it (协商时限): proposed by one, countered or agreed by the other.

Nothing changes until the other side agrees: the limit of the settings, or the one agreed before, runs on. The last
offer of each side is kept in the order, every one is in the log. Only the newest can be agreed to.
"""

from __future__ import annotations

from alerts import limits, roles
from alerts.ask import Ask, No
from alerts.episode import span
from alerts.order import Negotiation, Offer


def may_propose(ask: Ask) -> No | None:
    """Whether a limit may be proposed: by somebody of either side, in time to come."""
    if (ask.command.until_ms or 0) <= ask.turn.now_ms:
        return No("until_is_past", "the limit lies in the past")
    return _of_a_side(ask)


def _of_a_side(ask: Ask) -> No | None:
    if ask.catalogue.people and roles.side(ask.catalogue, ask.order, ask.actor) is None:
        return No("not_a_side", f"{ask.actor} is neither of those who handle the order nor of those who watch over it")
    return None


def may_agree(ask: Ask) -> No | None:
    """Whether the newest offer may be agreed to: by another person, of the other side, while there is time left."""
    offer, until_ms = _newest(ask), ask.command.until_ms
    if offer is None:
        return No("nothing_proposed", "nobody has proposed a limit")
    if offer.by == ask.actor:
        return No("needs_another_person", "nobody agrees to their own proposal")
    if no := _of_a_side(ask):
        return no
    if ask.catalogue.people and roles.side(ask.catalogue, ask.order, ask.actor) == offer.side:
        return No("needs_the_other_side", f"{offer.by} proposed it for the {offer.side} side: the other one agrees")
    if until_ms is not None and until_ms != offer.until_ms:
        return No("not_what_was_proposed", "another limit has been proposed since")
    if offer.until_ms <= ask.turn.now_ms:
        return No("until_is_past", "the limit that was proposed lies in the past by now")
    return None


def _newest(ask: Ask) -> Offer | None:
    talks = ask.order.negotiation
    return talks.offers[-1] if talks is not None and talks.agreed_ms is None else None


def propose(ask: Ask) -> None:
    """Propose a limit, or counter the other side's."""
    order, now_ms, until_ms = ask.order, ask.turn.now_ms, ask.command.until_ms or 0
    side = roles.side(ask.catalogue, order, ask.actor) or ""
    if order.negotiation is None or order.negotiation.agreed_ms is not None:
        order.negotiation = Negotiation(order.resolve_by_ms)
    offers = order.negotiation.offers
    against = offers[-1] if offers else None
    countered = against is not None and (against.side, against.by) != (side, ask.actor) and _other(against, side)
    order.negotiation.offers = [o for o in offers if _other(o, side) and o.by != ask.actor][-1:]
    order.negotiation.offers.append(Offer(side, ask.actor, until_ms, now_ms))
    why = ask.command.reason or ("another limit is proposed instead" if countered else "a limit to resolve is proposed")
    data: dict[str, str | int | float | bool | None] = {"until_ms": until_ms, "side": side}
    data["default_ms"] = order.negotiation.default_ms
    if countered and against is not None:
        data |= {"against_ms": against.until_ms, "against": against.by}
    ask.log("countered" if countered else "proposed", why, **data)
    en, zh = span(until_ms - now_ms)
    ask.changed(f"{ask.name} proposes to resolve it within {en}", f"{ask.name} 提议协商时限{zh}")


def _other(offer: Offer, side: str) -> bool:
    """Whether *offer* is the other side's; without people in the settings there are no sides, only persons."""
    return offer.side != side or side == ""


def agree(ask: Ask) -> None:
    """The other side agrees: the limit runs on what was agreed from here on."""
    order, talks = ask.order, ask.order.negotiation
    if talks is None:
        return
    offer = talks.offers[-1]
    limits.hold_so_far(ask.catalogue, ask.turn, order)
    limits.resolve_anew(ask.catalogue, ask.turn, order)
    talks.agreed_ms, talks.agreed_by, talks.agreed_at_ms = offer.until_ms, ask.actor, ask.turn.now_ms
    order.negotiation, order.resolve_by_ms, order.agreed_ms = talks, offer.until_ms, offer.until_ms
    why = "both sides agree on the limit to resolve"
    ask.log("agreed", why, until_ms=offer.until_ms, proposed_by=offer.by, default_ms=talks.default_ms)
    en, zh = span(offer.until_ms - ask.turn.now_ms)
    ask.changed(f"Agreed by {offer.by} and {ask.actor}: {en} to resolve", f"双方商定处理时限{zh}")
