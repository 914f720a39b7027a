"""Key facts for decision makers about the recommended model, for the top of the report."""

from collections.abc import Sequence
from fractions import Fraction

from skmnist.comparison._elsewhere import name_data, name_unit, write_accuracy
from skmnist.comparison._recommendation import Recommendation
from skmnist.comparison._result import ModelResult
from skmnist.comparison._work import CODE_LENGTH
from skmnist.diagnosis import WorkLeft
from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import Catalogue

PER = 100  # figures are given as "of 100 digits"
# With fewer training images per class, the default validation split has fewer than 10 of a class.
MIN_TRAIN_PER_CLASS = 100

# Limits chosen for this package. If a person must check at most these shares of the codes (or of
# the images, if they are not digits), the report says that the model does most, or part, of the
# work.
MOST_SAVED, PART_SAVED = 0.2, 0.6

# Notes that, like warnings, a user should know before using a network
WARNED = ("borderline", "more_rows_help")

Fact = tuple[str, list[str]]  # a term and its sentences


def describe_facts(
    result: ModelResult, found: Recommendation, work: Sequence[WorkLeft], say: Catalogue
) -> list[Fact]:
    """Describe the errors, the manual work and the limits of a model in everyday words.

    `work` contains the manual work for individual images and, for digits, for codes.
    """
    things = say(f"recommendation.work.{'digits' if found.digits else 'images'}")
    right = found.accuracies[result.name]
    low, high = wilson_interval(right, result.errors.n_test)
    errors = _count(say, 1 - right, (1 - high, 1 - low))
    facts = [
        *_judge_use(result, found, work, say),
        (say("page.facts.of_100", things=things), [say("page.facts.misread", errors=errors)]),
    ]
    if found.digits:
        wrong = [1 - share**CODE_LENGTH for share in (right, high, low)]
        errors = _count(say, wrong[0], (wrong[1], wrong[2]))
        misread = say("page.facts.misread_codes", errors=errors)
        facts.append((say("page.facts.of_100_codes"), [misread]))
    if work:
        left = [_describe_work(work[0], things, say), *_describe_code_work(work, say)]
        facts.append((say("page.facts.left"), left))
    else:
        facts.append((say("page.facts.left"), [say("page.facts.left_unknown")]))
    facts.append((say("page.facts.not_for"), _list_limits(result, found, say)))
    return facts


def _judge_use(
    result: ModelResult, found: Recommendation, work: Sequence[WorkLeft], say: Catalogue
) -> list[Fact]:
    """Say whether the model saves work, if that is known.

    Unless it saves most of the work, the first suggested improvement follows.
    """
    if not work or work[0].too_few or work[0].interval is None:
        return [(say("page.facts.use"), [say("page.facts.use_unknown")])] if work else []
    images, *codes = work
    unknown = images.share is None  # no threshold is strict enough
    left = work[0].interval[0] if images.share is None else images.share
    if found.digits:
        known = codes[0].share if codes else None
        left = 1 - (1 - left) ** CODE_LENGTH if known is None else known
    verdict = "most" if left <= MOST_SAVED else "part" if left <= PART_SAVED else "little"
    values = {
        "things": say(f"page.facts.{'codes' if found.digits else 'images'}"),
        "left": _round(say, left, above=unknown),
        "rest": _round(say, 1 - left),
    }
    said = [say(f"page.facts.use_{'little' if unknown else verdict}", **values)]
    if verdict != "most":
        said += result.advice(say.language).improvements[:1]
    return [(say("page.facts.use"), said)]


def list_warnings(result: ModelResult, say: Catalogue) -> list[str]:
    """Return problems with the training and with the labels as sentences.

    Individual images whose label may be wrong are shown only in the section about the model,
    because most of them are just hard to read.
    """
    warnings = []
    if result.diagnosis is not None:
        for finding in result.diagnosis.findings:
            if finding.severity in ("warning", "problem") or finding.code in WARNED:
                said = (finding.sentence(say.language), finding.remedy(say.language))
                warnings.append(" ".join(filter(None, said)))
    n_train = getattr(get_core(result.estimator), "n_train_", None)
    n_classes = len(result.errors.report)
    if n_train and n_train < MIN_TRAIN_PER_CLASS * n_classes:
        figures = {"n_train": n_train, "per_class": n_train / n_classes}
        warnings.append(say("page.facts.few_training", **figures))
    return warnings


def _describe_work(work: WorkLeft, things: str, say: Catalogue) -> str:
    """Return a sentence about the share of `things` that a person must check."""
    allowed = Fraction(str(work.allowed_error))
    values = {
        "things": things,
        "n_wrong": allowed.numerator,
        "n_accepted": allowed.denominator,
        "n_test": work.n_test,
        "n_needed": work.n_needed,
    }
    if work.too_few or work.interval is None:
        return say("page.facts.left_too_few", **values)
    if work.share is None:
        return say("page.facts.left_above", low=PER * work.interval[0], **values)
    share = capitalize(_count(say, work.share, work.interval))
    return say("page.facts.left_share", share=share, **values)


def _describe_code_work(work: Sequence[WorkLeft], say: Catalogue) -> list[str]:
    """Return a sentence about the share of codes that a person must check; [] if unknown."""
    images, codes = work[0], work[-1]
    if len(work) < 2 or images.share is None:
        return []
    if codes.share is not None:
        return [_describe_work(codes, say("page.facts.codes"), say)]
    # too few images for a threshold for codes, so use the threshold for individual digits
    share, wrong = (1 - (1 - p) ** CODE_LENGTH for p in (images.share, images.allowed_error))
    rounded = capitalize(_round(say, share))
    return [say("page.facts.left_codes", share=rounded, wrong=1000 * wrong)]


def _list_limits(result: ModelResult, found: Recommendation, say: Catalogue) -> list[str]:
    key = "not_digits" if found.digits else "not_classes"
    limits = [say(f"page.facts.{key}", n_classes=len(result.errors.report))]
    if result.robustness is not None:
        limits += result.robustness.sentences(say.language)[1:2]  # the most harmful change
    others = [say("page.facts.not_other_writers")]
    for other in result.elsewhere:
        figures = {
            "data": name_data(other.data, say),
            "first": result.name,
            "first_accuracy": write_accuracy(other.accuracy, other.interval, say),
            "unit": name_unit(other, say),
        }
        others.append(say("elsewhere.one", **figures))
    return [*limits, " ".join(others)]


def _count(say: Catalogue, share: float, interval: tuple[float, float]) -> str:
    """Return a share as a number out of 100 with its interval, with decimals if it is small."""
    form = "{:.0f}" if share >= 0.1 else "{:.1f}" if share >= 0.01 else "{:.2f}"
    count, low, high = (say.format(form, PER * each) for each in (share, *interval))
    return say("page.facts.count", count=count, low=low, high=high)


def _round(say: Catalogue, share: float, *, above: bool = False) -> str:
    """Return a share as a number out of 100, with "more than" if `above` or if it exceeds 99."""
    count, most = PER * share, PER - 1
    if above or count > most:
        return say("page.facts.above", count=min(count, most))
    return say("page.facts.about", count=count)


def capitalize(text: str) -> str:
    """Return the text with its first letter capitalized and the rest unchanged."""
    return text[:1].upper() + text[1:]
