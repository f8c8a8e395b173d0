"""What a flow does where a `pause_bot` names something that may come up, and not what to do about it.

Each has a name; a subflow of that name takes its place, of the flow or of the workspace's `defaults`.
"""

from __future__ import annotations

from relevo.domain.flows.expressions import ByLanguage
from relevo.domain.flows.messages import TextMessage
from relevo.domain.flows.model import Step, Steps
from relevo.domain.flows.steps.control import ResumeBot
from relevo.domain.flows.steps.sending import Send


def _say(**texts: str) -> Step:
    return Send(TextMessage(ByLanguage(dict(texts))))


STANDARD: dict[str, Steps] = {
    "handoff_not_accepted": (
        _say(
            en="Everybody is busy at the moment. Please stay: somebody will answer you here.",
            de="Gerade sind alle beschäftigt. Bitte bleiben Sie: Hier wird Ihnen jemand antworten.",
            es="En este momento estamos todos ocupados. Quédese aquí: alguien le responderá.",
            fr="Tout le monde est occupé pour le moment. Restez ici : quelqu'un va vous répondre.",
            pt="No momento estamos todos ocupados. Aguarde aqui: alguém vai responder.",
        ),
    ),
    "handoff_no_reply": (
        _say(
            en="This takes longer than it should. You are not forgotten.",
            de="Das dauert länger, als es sollte. Sie sind nicht vergessen.",
            es="Esto tarda más de lo que debería. No nos hemos olvidado de usted.",
            fr="Cela prend plus de temps que prévu. Vous n'êtes pas oublié.",
            pt="Está demorando mais do que deveria. Não nos esquecemos de você.",
        ),
    ),
    "handoff_customer_silent": (ResumeBot(),),
    "handoff_platform_down": (
        _say(
            en="We cannot reach our team right now. What you write is kept, and they will get it.",
            de="Unser Team ist gerade nicht erreichbar. Was Sie schreiben, geht nicht verloren und kommt an.",
            es="Ahora mismo no podemos contactar con nuestro equipo. Lo que escriba se guarda y les llegará.",
            fr="Notre équipe est injoignable. Ce que vous écrivez est gardé et lui parviendra.",
            pt="Nossa equipe está fora de alcance agora. O que você escrever fica guardado e chegará a ela.",
        ),
    ),
}
