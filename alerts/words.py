"""What the names in the log of an order mean, in words: events, decisions, named reasons. English and Chinese.

`tests/alerts/test_words.py` reads the source and holds that no name is missing here.
"""

from __future__ import annotations

import re
from typing import Final

Words = tuple[str, str]  #: English, Chinese

STATES: Final[dict[str, Words]] = {
    "detected": ("detected", "已发现"),
    "dispatched": ("dispatched", "已派单"),
    "acknowledged": ("acknowledged", "已确认"),
    "analysing": ("being analysed", "分析中"),
    "verifying": ("being verified", "验证中"),
    "closed": ("closed", "已关闭"),
    "on_hold": ("on hold", "挂起"),
    "accepted": ("accepted as it is", "已接受现状"),
    "cancelled": ("cancelled", "已取消"),
}

EVENTS: Final[dict[str, Words]] = {
    "acknowledge": ("acknowledge", "确认"),
    "take": ("take over", "接手"),
    "analyse": ("analyse", "分析"),
    "consult": ("consult", "会商"),
    "note": ("note", "备注"),
    "propose_limit": ("propose a limit", "提议时限"),
    "agree_limit": ("agree to the limit", "同意时限"),
    "hold": ("put on hold", "挂起"),
    "resume": ("resume", "恢复处理"),
    "resolve": ("resolve", "申请解决"),
    "accept": ("accept the shortfall", "接受现状"),
    "cancel": ("ask to cancel", "申请取消"),
    "confirm_cancel": ("confirm the cancelling", "复核取消"),
    "reassign": ("give to another person", "转派"),
    "hand_over": ("hand over", "交班"),
    "accept_handover": ("accept the handover", "接班"),
    "sign_evidence": ("sign evidence", "签字佐证"),
    "verdict": ("verdict", "判定"),
    "report": ("report a finding", "上报发现"),
    "over": ("the sender says that it is over", "上报方称已恢复"),
    "sign_check": ("sign a check", "签字核查"),
    "supervise": ("supervise", "督导"),
    "release": ("end the consultation for somebody", "退出会商"),
    "close_problem": ("close a problem", "关闭问题记录"),
    "helped": ("whether a similar order helped", "相似工单是否有用"),
    "floor_note": ("line of the floor log", "现场工作日志"),
    "adopt": ("adopted as usual", "确认新常态"),
    "mark_odd": ("day marked odd", "标记异常日"),
    "accept_shift": ("accept the shift", "整班接班"),
    "plan": ("enter a planned event", "登记计划事件"),
    "shorten_plan": ("shorten a planned event", "提前结束计划事件"),
    "cancel_plan": ("cancel a planned event", "取消计划事件"),
    "declare_emergency": ("declare an emergency", "宣布应急状态"),
    "stand_down": ("stand the emergency down", "解除应急状态"),
    "breached": ("a figure is beyond its limit", "指标越限"),
    "joined": ("a further breach", "新的越限"),
    "recovered": ("a figure came back", "指标恢复"),
    "verified": ("the verification passed", "验证通过"),
    "failed": ("the verification failed", "验证未通过"),
    "undecided": ("verification under way", "验证进行中"),
    "relapsed": ("it came back", "复发"),
    "respond_due": ("time to respond", "响应时限"),
    "resolve_due": ("time to resolve", "处理时限"),
    "hold_due": ("the hold is over", "挂起到期"),
    "accept_due": ("the accepted time is over", "接受期到期"),
    "remind_due": ("nothing heard of it for long", "久无进展"),
    "shift_ends": ("the shift ends", "即将下班"),
    "handover_due": ("time to accept the handover", "接班时限"),
    "planned_begins": ("a planned event runs", "计划事件进行中"),
    "planned_over": ("no planned event any more", "计划事件结束"),
    "outage_mark": ("no call has connected for long", "持续无法接通"),
    "emergency_mark": ("the emergency lasts long", "应急状态持续"),
    "rules.changed": ("the settings changed", "设置变更"),
}

DECISIONS: Final[dict[str, Words]] = {
    "raised": ("order opened", "工单建立"),
    "dispatched": ("given to its first owner", "派给首位责任人"),
    "unassigned": ("nobody to give it to", "无人可派"),
    "notified": ("paged", "已呼叫"),
    "suppressed": ("not paged", "未呼叫"),
    "joined": ("joined the order", "并入工单"),
    "rejoined": ("in breach again", "再次越限"),
    "worse": ("markedly worse", "明显恶化"),
    "withdrawn": ("its rule is gone", "规则已撤销"),
    "symptom_ended": ("one symptom ended", "一项症状结束"),
    "moved": ("done, it moved", "已执行,状态变更"),
    "done": ("done", "已执行"),
    "refused": ("refused", "被拒绝"),
    "escalated": ("escalated", "已升级"),
    "not_escalated": ("nobody above to escalate to", "上无可升"),
    "warned": ("reminder", "提醒"),
    "limit_set": ("limit set", "时限重设"),
    "late": ("limit broken", "超时"),
    "judged_again": ("judged again", "重新评判"),
    "counting": ("calls counted", "计数中"),
    "undecided": ("undecided: too few calls", "未决:来电不足"),
    "paused": ("paused", "暂停"),
    "continued": ("continued", "继续"),
    "closed": ("closed", "关闭"),
    "reopened": ("reopened", "重开"),
    "liaison_replaced": ("another liaison", "更换联络员"),
    "reassigned": ("given to another person", "转派"),
    "noted": ("noted", "已记录"),
    "proposed": ("limit proposed", "时限已提议"),
    "agreed": ("limit agreed", "时限已商定"),
    "asked": ("asked, a second person confirms", "已申请,待他人复核"),
    "offered": ("handover offered", "待接班"),
    "listed": ("on the handover sheet", "列入交接单"),
    "not_accepted": ("handover not accepted", "未接班"),
    "signed": ("signed", "已签字"),
    "verdict": ("verdict given", "已判定"),
    "consulted": ("takes part from now on", "加入会商"),
    "countered": ("another limit proposed", "另提时限"),
    "experience_offered": ("similar orders offered", "推荐相似工单"),
    "experience_kept": ("kept as experience", "存入经验库"),
    "experience_withdrawn": ("taken out of the experience", "移出经验库"),
    "passed": ("check passed", "核查通过"),
    "failed": ("check failed", "核查未通过"),
    "helped": ("the similar order helped", "相似工单有用"),
    "not_helped": ("the similar order did not help", "相似工单无用"),
    "problem_joined": ("belongs to a problem", "归入问题记录"),
    "problem_opened": ("a problem is opened", "建立问题记录"),
    "problem_reassigned": ("a problem goes to another", "问题记录转交"),
    "problem_closed": ("a problem is closed", "问题记录关闭"),
    "reminded": ("reminder", "提醒"),
    "marked": ("a mark is passed", "超过时长标记"),
    "repeated": ("reported again", "重复上报"),
    "supervised": ("supervision noted", "督导记录"),
    "supervisor_replaced": ("another supervisor", "更换督导"),
    "supervisor_stood_down": ("supervision ends", "督导结束"),
    "released": ("takes part no longer", "退出会商"),
    "participants_left": ("some take part no longer", "部分会商方退出"),
    "consultation_ended": ("the consultation ends", "会商结束"),
    "calls_passed": ("the calls have passed, more is waited for", "来电验证通过,待其他核销"),
    "test_call_passed": ("the test call has passed, more is waited for", "拨测通过,待其他核销"),
}

#: Named reasons: of choices of people, of pages that were sent or not, of refusals.
REASONS: Final[dict[str, Words]] = {
    "shift_lead": ("the shift lead on duty", "当班班长"),
    "tier_skipped_nobody_on_duty": ("lower tiers have nobody on duty", "下级无人当班,越级"),
    "nobody_on_duty_highest_tier": ("nobody is on duty: the highest tier has it", "无人当班,由最高层级负责"),
    "adopted": ("the level of late is the norm now", "以近期水平为新常态"),
    "nobody_on_duty_any_manager": ("nobody of the department is on duty: a manager has it", "本部门无人当班,经理负责"),
    "only_liaisons_exist": ("the settings name liaisons only", "设置中仅有联络员"),
    "no_people_in_settings": ("the settings name no people", "设置中没有人员"),
    "next_on_duty_in_tier": ("the next on duty in the same tier", "同级下一位当班人员"),
    "next_tier": ("the next tier up", "上一层级"),
    "top_of_the_ladder": ("the top of the ladder is reached", "已到最高层级"),
    "off_duty_and_not_urgent": ("off duty, and it is not urgent", "未当班且不紧急"),
    "paged_recently": ("paged a short while ago", "刚刚呼叫过"),
    "paged": ("a page was sent", "已发出呼叫"),
    "owner_not_in_settings": ("the owner is not in the settings any more", "责任人已不在设置中"),
    "liaison_not_in_settings": ("the liaison is not in the settings any more", "联络员已不在设置中"),
    "malformed": ("it is not a command", "不是有效指令"),
    "unknown_cause": ("the cause is not in the catalogue", "原因不在目录中"),
    "until_is_past": ("the time lies in the past", "时间已过"),
    "until_too_late": ("the time lies too far ahead", "时间过长"),
    "not_a_supervisor": ("only a supervisor or manager may", "须主管或经理"),
    "not_a_reason_to_cancel": ("that is no reason to cancel", "不是取消的理由"),
    "nothing_to_confirm": ("nobody has asked to cancel", "无人申请取消"),
    "needs_a_second_person": ("a second person is needed", "须第二人复核"),
    "unknown_person": ("that person is not in the settings", "设置中无此人"),
    "already_accountable": ("that person is accountable already", "已是责任人"),
    "cannot_be_accountable": ("that person cannot be accountable", "此人不可担任责任人"),
    "off_duty": ("that person is off duty", "此人未当班"),
    "not_handed_to_you": ("it was not handed over to that person", "未交班给此人"),
    "nothing_proposed": ("nobody has proposed a limit", "无人提议时限"),
    "needs_the_other_side": ("the other side must agree", "须对方同意"),
    "not_a_shift_lead": ("a shift lead or above must sign", "须班长及以上签字"),
    "verification_running": ("the calls still decide", "仍由来电判定"),
    "nobody_on_duty": ("nobody of that tier is on duty", "该层级无人当班"),
    "nobody_in_the_settings": ("nobody of that tier is in the settings", "设置中该层级无人"),
    "stays_accountable": ("its owner stays accountable", "责任人不变"),
    "passed_on_meanwhile": ("somebody else has it by now", "已由他人负责"),
    "manager_on_duty": ("the manager on duty", "值班经理"),
    "no_manager_on_duty": ("no manager is on duty: the highest tier that is", "无经理当班,由当班最高层级"),
    "stands_in_for_the_shift_lead": ("stands in for the shift lead", "代班长"),
    "findings_open": ("findings are still open", "仍有未核销的发现"),
    "no_such_finding": ("there is no such finding", "无此发现"),
    "no_test_calls": ("a test call cannot be made there", "此处无法拨测"),
    "not_a_side": ("that person is of neither side", "此人不属任何一方"),
    "not_offered": ("that order was not offered", "未推荐该工单"),
    "not_the_checker": ("another person signs the check", "须指定人员核查"),
    "not_what_was_proposed": ("that is not what was proposed", "与提议不符"),
    "the_handler_cannot_supervise": ("the handler cannot supervise", "处理方不得督导"),
    "the_supervisor_cannot_handle": ("the supervisor cannot handle", "督导方不得处理"),
    "too_many_findings": ("it has too many findings already", "发现过多"),
    "too_many_participants": ("too many take part already", "会商方过多"),
    "unknown_department": ("that department is not in the settings", "设置中无此部门"),
    "unknown_figure": ("there is no such figure", "无此指标"),
    "unknown_site": ("that site is not in the settings", "设置中无此职场"),
    "planned_event": ("a planned event runs there", "计划事件进行中"),
    "planned_event_over": ("the planned event is over", "计划事件已结束"),
    "emergency_declared": ("an emergency was declared", "已宣布应急状态"),
    "graver_than_planned": ("it is graver than what was planned", "严重程度超出计划"),
    "not_a_queue_or_site": ("it names no queue, site or region", "不是队列、职场或区域"),
    "text_too_long": ("the text is too long", "文字过长"),
    "ends_before_it_begins": ("it would end before it begins", "结束早于开始"),
    "lasts_too_long": ("it lasts too long", "持续时间过长"),
    "begins_too_late": ("it begins too far ahead", "开始时间过远"),
    "unknown_source": ("that source is not in the settings", "设置中无此数据源"),
    "entered_already": ("it is entered already", "已登记"),
    "too_many_planned": ("too many events are planned already", "计划事件过多"),
    "no_such_event": ("there is no such event", "无此事件"),
    "not_shorter": ("the new end is not before the old one", "未早于原结束时间"),
    "emergency_is_on": ("that emergency is on already", "已处于应急状态"),
    "too_many_emergencies": ("too many emergencies are on already", "应急状态过多"),
    "callers_waiting": ("callers wait past the threshold now", "当前有来电排队超时"),
    "not_your_role": ("that step is another role's", "该步骤不属本角色"),
    "not_the_sender": ("only its sender may say so", "须由上报方通知"),
    "not_the_supervising_party": ("only the supervising party may", "须督导方"),
    "needs_another_person": ("another person must agree", "须他人同意"),
    "needs_a_supervising_party": ("nobody is there who could supervise", "缺少督导方"),
    "the_checker_cannot_resolve": ("who signs the check cannot resolve it", "核查人不得申请解决"),
    "not_taking_part": ("that person or department does not take part", "未参与会商"),
    "not_your_participation": ("they, the owner or the supervising party end it", "须本方、责任人或督导方"),
    "no_other_department_left": ("no other department takes part any more", "已无其他部门参与"),
    "order_is_over": ("the order is over", "工单已结束"),
    "not_in_settings_any_more": ("they are not in the settings any more", "已不在设置中"),
    "no_such_problem": ("there is no such open problem", "无此未结问题记录"),
    "not_the_problems_owner": ("another person is accountable for the problem", "须问题记录责任人或主管"),
    "supervisor_on_duty": ("the supervisor on duty", "当班主管"),
    "supervisor_off_duty": ("the supervisor, who is off duty", "主管(未当班)"),
    "until_after_the_shift": ("the time lies after the end of the shift", "时间超出本班次"),
    "supervisor_handles_it": ("its supervisor handles it now", "督导方已成为处理方"),
    "supervisor_not_in_settings": ("its supervisor is not in the settings any more", "督导已不在设置中"),
    "still_in_breach": ("the last minutes are still in breach", "最近几分钟仍越限"),
}  # fmt: skip

FIELDS: Final[dict[str, Words]] = {
    "owner_name": ("owner", "责任人"),
    "liaison": ("liaison", "联络员"),
    "severity": ("severity", "级别"),
    "escalation": ("escalations", "升级次数"),
    "respond_by_ms": ("respond by", "响应期限"),
    "resolve_by_ms": ("resolve by", "处理期限"),
    "agreed_ms": ("agreed limit", "协商时限"),
    "hold_until_ms": ("until", "截至"),
    "reopened": ("reopened", "重开次数"),
    "planned": ("planned event", "计划事件"),
    "cause": ("cause", "原因"),
    "measure": ("measure", "措施"),
}

#: What a command may lack, by the name of its field (`models.command.OrderCommand`).
    "nothing_unusual": ("no symptom is about what is usual", "无常态异常症状"),
    "of_queues_only": ("habits are of queues", "常态仅针对队列"),
    "not_a_day": ("that is no date", "不是日期"),
    "day_is_learned": ("that day was learned, or nothing is known", "该日已学习或无记录"),
LACKING: Final[dict[str, Words]] = {
    "planned": ("what is planned", "计划类型"),
    "covers": ("what it covers", "覆盖范围"),
    "event": ("which event", "事件编号"),
    "text": ("a line of text", "文字说明"),
    "until_ms": ("a time", "时间"),
    "reason": ("a reason", "理由"),
    "cause": ("a cause", "原因"),
    "measure": ("a measure", "措施"),
    "person": ("a person", "人员"),
    "verdict": ("a verdict", "判定"),
    "kind": ("how it was found", "发现方式"),
    "severity": ("a severity", "级别"),
    "verify": ("a way of verification", "验证方式"),
    "metric": ("a figure", "指标"),
    "window": ("a window", "统计窗口"),
    "limit": ("a limit", "限值"),
    "breach": ("which side is bad", "越限方向"),
    "key": ("the sender's key", "上报方编号"),
    "finding": ("which finding", "发现编号"),
    "outcome": ("passed or failed", "核查结果"),
    "like": ("which similar order", "相似工单编号"),
    "helped": ("yes or no", "是否有用"),
    "problem": ("which problem", "问题记录编号"),
}

#: Sentences that the loop always says alike. What people write, and what is said of figures, stays as it was said.
PHRASES: Final[dict[str, str]] = {
    "a limit to resolve is proposed": "提议处理时限",
    "both sides agree on the limit to resolve": "双方商定处理时限",
    "every symptom has ended: the next calls must prove it": "全部症状已结束,待后续来电验证",
    "every symptom has ended: the verification goes on": "全部症状已结束,继续验证",
    "given to another person": "转派他人",
    "looking for the cause": "查找原因",
    "no source of events is heard of": "未收到任何数据源的事件",
    "seen and taken on": "已知悉并受理",
    "shift handover accepted by name": "已具名接班",
    "shift handover: accountable until it is accepted": "交接班:接班前仍负责",
    "taken over": "已接手",
    "paused for three days: a test call or signed evidence decides": "已暂停三天:由拨测或签字佐证判定",
    "takes part no longer": "退出会商",
    "the accepted time is over and the figure has not recovered": "接受期结束,指标仍未恢复",
    "the limit to resolve is broken": "处理超时",
    "the queue is closed": "队列已停止营业",
    "the queue is open and its data are complete again": "队列已营业且数据恢复完整",
    "the recovery did not last": "恢复未能持续",
    "the time to respond begins anew": "响应时限重新计时",
    "the hold has ended": "挂起结束",
    "resumed": "恢复处理",
    "a test call got through": "拨测成功",
    "a test call did not get through": "拨测失败",
    "another limit is proposed instead": "另提处理时限",
    "cause, measure and effect are kept for orders like it": "原因、措施与效果留存,供相似工单参考",
    "it belongs to an open problem": "属于未结的问题记录",
    "it was not over, so what was done has not helped": "问题未消除,所采取措施无效",
    "the figure held its recovery": "指标保持恢复",
    "nothing is left to wait for": "无待核销事项",
    "Not acknowledged in time": "未在响应时限内确认",
    "Not resolved in time": "未在处理时限内解决",
    "The verification failed": "验证未通过",
}
_PATTERNS: Final = (
    (re.compile(r"(\d+) % of the time to respond is over"), r"响应时限已过\1%"),
    (re.compile(r"(\d+) % of the time to resolve is over"), r"处理时限已过\1%"),
    (re.compile(r"(\d+) of (\d+) calls since the resolve"), r"处理后已有\1/\2通来电"),
    (re.compile(r"(\d+) of (\d+) calls since the recovery"), r"恢复后已有\1/\2通来电"),
    (
        re.compile(r"only (\d+) of (\d+) calls: a test call or signed evidence decides"),
        r"仅\1/\2通来电:由拨测或签字佐证判定",
    ),
    (re.compile(r"the alarm was (.+)"), r"判定为\1"),
    (re.compile(r"nothing was heard of it for (.+)"), r"\1无进展"),
    (re.compile(r"no call has connected for (\d+) hours"), r"电话无法接通已超过\1小时"),
    (re.compile(r"the emergency of (.+) has lasted (\d+) hours"), r"\1应急状态已超过\2小时"),
    (re.compile(r"(\d+) similar orders are offered"), r"推荐\1个相似工单"),
    (
        re.compile(r"(\d+) orders of (.+) within ten days at (.+) \((.+)\): a problem record is opened"),
        r"\2 十日内在\3(\4)时段出现\1次工单,建立问题记录",
    ),
    (re.compile(r"(.+): a second person must confirm"), r"\1:待他人复核"),
    (re.compile(r"check signed by ([^:]+): (.+)"), r"\1签字核查:\2"),
    (re.compile(r"signed evidence of ([^:]+): (.+)"), r"\1签字佐证:\2"),
    (re.compile(r"the next (\d+) calls: (.+)"), r"后续\1通来电:\2"),
    (re.compile(r"(\S+) says that it is over"), r"\1通知已恢复"),
    (re.compile(r"not a command: (.+)"), r"不是有效指令:\1"),
    (re.compile(r"nothing has proven it yet: (.+)"), r"尚无证明:\1"),
    (re.compile(r"waits for (.+)"), r"待核销:\1"),
)

_WAITS: Final = ", waits for "
_NEEDS: Final = "needs_"
_ILLEGAL: Final = "illegal_when_"


def of_name(name: str) -> Words:
    """A name that has no words of its own here, readable at least."""
    shown = name.replace("_", " ")
    return shown, shown


def reason(name: str) -> Words | None:
    """The words of a named reason; None when *name* is none (it is a sentence then)."""
    if name in REASONS:
        return REASONS[name]
    if name.startswith(_ILLEGAL):
        en, zh = STATES.get(name.removeprefix(_ILLEGAL), of_name(name.removeprefix(_ILLEGAL)))
        return f"not possible while it is {en}", f"{zh}状态下不可操作"
    if name.startswith(_NEEDS):
        field = name.removeprefix(_NEEDS)
        en, zh = LACKING.get(field, (field, f" {field}"))
        return f"{en} is missing", f"缺少{zh}"
    return None


def in_chinese(sentence: str) -> str:
    """A sentence that the loop says, in Chinese; any other as it is."""
    if sentence in PHRASES:
        return PHRASES[sentence]
    for pattern, chinese in _PATTERNS:
        if found := pattern.fullmatch(sentence):
            return found.expand(chinese)
    counted, _, waits = sentence.partition(_WAITS)
    if waits:  # how far a verification has come, in two parts
        return f"{in_chinese(counted)},待核销:{waits}"
    return sentence
