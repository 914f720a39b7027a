"""Describe strengths, weaknesses and improvements of a model, given its diagnosis and errors."""

from dataclasses import asdict, dataclass
from typing import Any

from skmnist._html import make_html
from skmnist.diagnosis._calibration import Calibration
from skmnist.diagnosis._causes import CAUSES
from skmnist.diagnosis._errors import ErrorAnalysis
from skmnist.diagnosis._findings import (
    MIN_TRAIN_ACCURACY,
    UNKNOWN_NETWORK,
    Borderline,
    Finding,
    Optimal,
    Overfitting,
    Underfitting,
    join_ways,
    list_regularisers,
)
from skmnist.diagnosis._fit import FitDiagnosis
from skmnist.text import Catalogue, get_catalogue

N_LISTED = 3  # classes named as strong and as weak


@dataclass(frozen=True)
class Advice:
    """Strengths, weaknesses and improvements of a model, as sentences in one language.

    Returned by :func:`advise`. The parameters are attributes as well.

    Parameters
    ----------
    strengths, weaknesses, improvements : list of str
        Sentences, the most important first.

    Examples
    --------
    >>> from skmnist.diagnosis import advise, analyze_errors
    >>> advice = advise(analyze_errors([1, 4, 9] * 50, [1, 4, 9] * 49 + [1, 4, 4]))
    >>> advice.strengths[0]
    'It reads 99.33% of the test images correctly.'
    """

    strengths: list[str]
    weaknesses: list[str]
    improvements: list[str]

    def _repr_html_(self) -> str:
        """Show the advice in a notebook."""
        say = get_catalogue("en")
        sentences = {say(f"cli.{kind}"): found for kind, found in asdict(self).items() if found}
        return "".join(make_html(kind, found) for kind, found in sentences.items())


def advise(
    errors: ErrorAnalysis,
    diagnosis: FitDiagnosis | None = None,
    *,
    trained: bool = True,
    language: str = "en",
) -> Advice:
    """Describe the strengths and weaknesses of a model, and suggest improvements.

    Sentences about the fit are consistent with the label of the diagnosis.

    Parameters
    ----------
    errors : ErrorAnalysis
        Errors of the model on the test set.
    diagnosis : FitDiagnosis, default=None
        Diagnosis of the fit, if there is one.
    trained : bool, default=True
        False if the model was not trained at all (``epochs=0``); the advice then mentions only
        this.
    language : {"en", "de"}, default="en"
        Language of the sentences.

    Returns
    -------
    advice : Advice

    Examples
    --------
    >>> from skmnist.diagnosis import advise, analyze_errors, diagnose_fit
    >>> errors = analyze_errors([1, 4, 9] * 50, [1, 4, 9] * 40 + [1, 4, 4] * 10)
    >>> for sentence in advise(errors, diagnose_fit(gap=0.03)).weaknesses:
    ...     print(sentence)
    Overfitting: the model does better on its training images than on new ones.
    Weakest classes by F1: 9 (0.89), 4 (0.91).
    Most frequent confusions: 9→4 (10x).
    """
    say = get_catalogue(language)
    advice = Advice([], [], [])
    if not trained:
        advice.weaknesses.append(say("advice.weakness_untrained"))
        advice.improvements.append(say("advice.improve_untrained"))
        return advice
    ignores = _add_ignored(advice, errors, diagnosis, say)
    # a model that is less accurate than a linear one has no strengths
    weak = ignores or errors.accuracy < MIN_TRAIN_ACCURACY
    if diagnosis is not None:
        weak |= diagnosis.label == "underfitting"
        weak |= "as_good_as_majority" in {finding.code for finding in diagnosis.findings}
    if not ignores:  # otherwise the accuracy has already been mentioned
        accuracy = say("advice.accuracy", accuracy=errors.accuracy)
        (advice.weaknesses if weak else advice.strengths).append(accuracy)
    if diagnosis is not None:
        _add_fit(advice, diagnosis, language, ignores=ignores)
    if diagnosis is None or diagnosis.label != "underfitting":
        _add_confidence(advice, errors.calibration, diagnosis, say, ignores=ignores)
    if len(errors.predicted) > 1:
        _add_classes(advice, errors, say, weak=weak)
    return advice


def _add_ignored(
    advice: Advice, errors: ErrorAnalysis, diagnosis: FitDiagnosis | None, say: Catalogue
) -> bool:
    """Mention classes that are never predicted; return whether there are any."""
    never = errors.never_predicted
    if not never:
        return False
    key = "weakness_ignored"
    figures = {"accuracy": errors.accuracy, "classes": ", ".join(map(str, never))}
    if len(errors.predicted) == 1:
        key = "weakness_one_class"
        figures["only_class"] = str(errors.predicted[0])
    advice.weaknesses.append(say(f"advice.{key}", **figures))
    codes = set() if diagnosis is None else {finding.code for finding in diagnosis.findings}
    if not codes & {"never_predicted", "no_signal"}:  # otherwise, their remedy is listed
        advice.improvements.append(say("advice.improve_ignored", **figures))
    return True


def _add_fit(advice: Advice, diagnosis: FitDiagnosis, language: str, *, ignores: bool) -> None:
    if diagnosis.label == "optimal" and not ignores:
        optimal = Optimal({"gap": diagnosis.gap, "max_gap": diagnosis.max_gap})
        better = diagnosis.better_than_training
        (advice.weaknesses if better else advice.strengths).append(optimal.sentence(language))
        if better and "training_differs" not in {found.code for found in diagnosis.findings}:
            say = get_catalogue(language)
            if diagnosis.parameters is None:
                advice.improvements.append(say("advice.improve_better_than_training"))
            else:  # the training accuracy was measured without dropout
                advice.improvements.append(say("advice.improve_better_than_training_known"))
    further = _further(diagnosis)
    causes = [finding for finding in further if isinstance(finding, CAUSES)]
    for cause in causes:  # they come first, as they explain the rest
        advice.weaknesses.append(cause.sentence(language))
        advice.improvements.append(cause.remedy(language))
    if diagnosis.label in ("overfitting", "borderline", "underfitting"):
        verdict = _verdict(diagnosis)
        if not (ignores and diagnosis.only_class is not None):  # already mentioned
            advice.weaknesses.append(verdict.sentence(language))
        # the remedy may be to raise the learning rate, which is wrong for an unstable network
        jumped = {finding.code for finding in further} & {"unstable", "dead_units"}
        if verdict.cause is None and not (diagnosis.label == "underfitting" and jumped):
            advice.improvements.append(verdict.remedy(language))
    for finding in further:
        if finding in causes:
            continue
        is_class = finding.code == "never_predicted"
        if not (is_class and ignores):  # already mentioned
            advice.weaknesses.append(finding.sentence(language))
        if finding.cause is None:
            advice.improvements.append(finding.remedy(language))


def _add_confidence(
    advice: Advice,
    calibration: Calibration | None,
    diagnosis: FitDiagnosis | None,
    say: Catalogue,
    *,
    ignores: bool,
) -> None:
    """Describe the confidence, based on the probabilities or, if unknown, on the losses."""
    too_sure = calibration is not None and calibration.verdict == "too_sure"
    if calibration is not None and calibration.verdict in ("too_sure", "too_careful", "uneven"):
        advice.weaknesses.append(calibration.sentence(say.language))
    elif calibration is not None and calibration.verdict == "trustworthy" and not ignores:
        advice.strengths.append(calibration.sentence(say.language))
    if diagnosis is None:
        return
    # losses are only a hint; if the probabilities of the test images are known, these decide
    if diagnosis.val_loss_far_above and calibration is None:
        advice.weaknesses.append(say("advice.weakness_val_loss"))
        too_sure = True
    regularized = diagnosis.label in ("overfitting", "borderline")  # these have the same remedy
    if too_sure and diagnosis.network and not regularized:
        known = UNKNOWN_NETWORK if diagnosis.parameters is None else diagnosis.parameters
        ways = list_regularisers(known)
        if ways:
            advice.improvements.append(say("advice.improve_val_loss", ways=join_ways(ways, say)))


def _add_classes(advice: Advice, errors: ErrorAnalysis, say: Catalogue, *, weak: bool) -> None:
    def listed(classes: list[tuple[Any, float]]) -> str:
        return ", ".join(say.format("{} ({:.2f})", str(label), f1) for label, f1 in classes)

    # do not list a class as both strong and weak
    n_classes = int((errors.report["support"] > 0).sum())
    n_strongest = min(N_LISTED, n_classes // 2) if errors.classes_differ else 0
    if n_strongest and not weak:
        strongest = listed(errors.strongest(n_strongest))
        advice.strengths.append(say("advice.strength_classes", classes=strongest))
    weakest = errors.weakest(min(N_LISTED, n_classes - n_strongest)) if n_strongest else []
    weakest = [(label, f1) for label, f1 in weakest if label not in errors.never_predicted]
    # the mean F1, weighted by the true and predicted images of each class, is the accuracy
    weakest = [(label, f1) for label, f1 in weakest if f1 < errors.accuracy]
    weakest = [(label, f1) for label, f1 in weakest if round(f1, 2) < 1]  # as in the sentence
    if weakest:
        advice.weaknesses.append(say("advice.weakness_classes", classes=listed(weakest)))
        names = ", ".join(str(label) for label, _ in weakest)
        advice.improvements.append(say("advice.improve_classes", classes=names))
    confusions = errors.confusions(N_LISTED)
    if confusions:
        pairs = [f"{true}→{predicted} ({count}x)" for true, predicted, count in confusions]
        advice.weaknesses.append(say("advice.weakness_confusions", pairs=", ".join(pairs)))
        # `ErrorAnalysis.pairs` explains why the two are similar
        true, predicted, _ = confusions[0]
        advice.improvements.append(say("advice.improve_confusions", pair=f"{true}→{predicted}"))


def _verdict(diagnosis: FitDiagnosis) -> Finding:
    """Return the finding behind the label, or create one if the diagnosis has none."""
    kinds: dict[str, type[Finding]] = {
        "overfitting": Overfitting,
        "borderline": Borderline,
        "underfitting": Underfitting,
    }
    of_label = [f for f in diagnosis.findings if f.code == diagnosis.label]
    return of_label[0] if of_label else kinds[diagnosis.label]({"network": diagnosis.network})


def _further(diagnosis: FitDiagnosis) -> list[Finding]:
    """Return the further findings that do not contradict the verdict."""
    findings = list(diagnosis.further_findings)
    if diagnosis.label in ("overfitting", "borderline"):
        # more epochs would increase the gap
        return [f for f in findings if f.code not in ("still_improving", "stopped_too_early")]
    if diagnosis.label == "unclear":
        findings = [f for f in diagnosis.findings if f.code == "too_few_to_tell"] + findings
    return findings
