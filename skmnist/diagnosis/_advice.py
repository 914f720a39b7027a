"""Strengths, weaknesses and improvements of a model, from its diagnosis and its errors."""

from dataclasses import dataclass
from typing import Any

from skmnist.diagnosis._errors import ErrorAnalysis
from skmnist.diagnosis._findings import (
    MIN_TRAIN_ACCURACY,
    Finding,
    Overfitting,
    Underfitting,
)
from skmnist.diagnosis._fit import FitDiagnosis
from skmnist.text import get_catalogue

N_LISTED = 3  # classes named as strong and as weak, as the source does


@dataclass(frozen=True)
class Advice:
    """What to say about a model: three lists of sentences in one language."""

    strengths: list[str]
    weaknesses: list[str]
    improvements: list[str]


def advise(
    errors: ErrorAnalysis,
    diagnosis: FitDiagnosis | None = None,
    *,
    trained: bool = True,
    language: str = "en",
) -> Advice:
    """Put figures into advice.

    What it says of the fit comes from the diagnosis' label alone, so the two cannot contradict
    each other.

    Parameters
    ----------
    errors : ErrorAnalysis
        The model's errors on the test set.
    diagnosis : FitDiagnosis or None, default=None
        The model's fit, where it is known.
    trained : bool, default=True
        False where the model was not trained at all (``epochs=0``).
    language : {"en", "de"}, default="en"

    Returns
    -------
    advice : Advice

    Examples
    --------
    >>> from skmnist.diagnosis import advise, analyze_errors, diagnose_fit
    >>> errors = analyze_errors([9] * 10 + [4] * 10, [9] * 9 + [4] * 11)
    >>> for sentence in advise(errors, diagnose_fit(gap=0.03)).weaknesses:
    ...     print(sentence)
    Overfitting: the model knows its training images better than new ones.
    Weakest classes by F1: 9 (0.95).
    Most frequent confusions: 9→4 (1x).
    """
    say = get_catalogue(language)
    if not trained:
        return Advice(
            strengths=[],
            weaknesses=[say("advice.weakness_untrained")],
            improvements=[say("advice.improve_untrained")],
        )
    # a model that reads fewer than a linear one would has no strength in reading
    weak = errors.accuracy < MIN_TRAIN_ACCURACY
    if diagnosis is not None:
        weak |= diagnosis.label == "underfitting"
    accuracy = say("advice.accuracy", accuracy=errors.accuracy)
    strengths, weaknesses = ([], [accuracy]) if weak else ([accuracy], [])
    improvements: list[str] = []

    def find(finding: str, improvement: str) -> None:
        weaknesses.append(finding)
        improvements.append(improvement)

    calibration = errors.calibration
    if diagnosis is not None:
        told = {finding.code for finding in diagnosis.further_findings}
        if diagnosis.label == "optimal":
            strengths.append(say("diagnosis.finding.optimal"))
        if diagnosis.label in ("overfitting", "underfitting"):
            verdict = _verdict(diagnosis)
            weaknesses.append(verdict.sentence(language))
            # a network that jumped about has not learned little because it learned slowly
            if diagnosis.label == "overfitting" or not told & {"unstable", "dead_units"}:
                improvements.append(verdict.remedy(language))
        too_sure = calibration is not None and calibration.verdict == "too_sure"
        if diagnosis.label != "underfitting" and diagnosis.val_loss_far_above and not too_sure:
            find(say("advice.weakness_val_loss"), say("advice.improve_val_loss"))
        for finding in _told(diagnosis):
            find(finding.sentence(language), finding.remedy(language))
    if calibration is not None and not weak:
        if calibration.verdict == "trustworthy":
            strengths.append(calibration.sentence(language))
        else:
            kind = "val_loss" if calibration.verdict == "too_sure" else "careful"
            find(calibration.sentence(language), say(f"advice.improve_{kind}"))

    def listed(classes: list[tuple[Any, float]]) -> str:
        return ", ".join(say.format("{} ({:.2f})", str(label), f1) for label, f1 in classes)

    # no class is called reliable that is called weak as well, and none weak that is perfect
    n_classes = int((errors.report["support"] > 0).sum())
    n_strongest = min(N_LISTED, n_classes // 2)
    if n_strongest and not weak:
        strongest = listed(errors.strongest(n_strongest))
        strengths.append(say("advice.strength_classes", classes=strongest))
    weakest = errors.weakest(min(N_LISTED, n_classes - n_strongest))
    weakest = [(label, f1) for label, f1 in weakest if f1 < 1]
    confusions = errors.confusions(N_LISTED)
    if confusions:
        weaknesses.append(say("advice.weakness_classes", classes=listed(weakest)))
        pairs = [f"{true}→{predicted} ({count}x)" for true, predicted, count in confusions]
        weaknesses.append(say("advice.weakness_confusions", pairs=", ".join(pairs)))
        names = ", ".join(str(label) for label, _ in weakest)
        improvements.append(say("advice.improve_classes", classes=names))
        # what is alike about the two is said in pairs(), where there is room for it
        improvements.append(errors.pairs(1)[0].advice(language)[0])
    return Advice(strengths, weaknesses, improvements)


def _verdict(diagnosis: FitDiagnosis) -> Finding:
    """Return the finding behind a label; a diagnosis made by hand may have none."""
    kinds: dict[str, type[Finding]] = {"overfitting": Overfitting, "underfitting": Underfitting}
    of_label = [f for f in diagnosis.findings if f.code == diagnosis.label]
    return of_label[0] if of_label else kinds[diagnosis.label]()


def _told(diagnosis: FitDiagnosis) -> list[Finding]:
    """Return the findings beside the verdict that do not contradict it."""
    findings = list(diagnosis.further_findings)
    if diagnosis.label == "overfitting":
        # better on its training images alone is what overfitting is
        return [f for f in findings if f.code not in ("still_improving", "stopped_too_early")]
    if diagnosis.label == "unclear":
        findings = [f for f in diagnosis.findings if f.code == "too_few_to_tell"] + findings
    return findings
