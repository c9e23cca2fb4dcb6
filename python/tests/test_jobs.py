"""Jobs: their progress, their end, several at once."""

from __future__ import annotations

import threading
from typing import Any, Dict, List

import impasto
import numpy as np
import pytest

LONG = {"size": 64, "iterations": 100_000, "levels": 1}
"""A job that does not end by itself while a test runs."""


def test_progress_is_told_after_each_evaluation(engine: Any, photo: Any, painting: Any) -> None:
    seen: List[impasto.Progress] = []
    thread = threading.get_ident()

    def tell(progress: impasto.Progress) -> bool:
        assert threading.get_ident() == thread
        seen.append(progress)
        return True  # means nothing

    engine.stylise(photo, painting, progress=tell, size=64, levels=2, iterations=4, preview_every=2)
    painting_phase = [progress for progress in seen if progress.phase == "optimising"]
    counts = [progress.evaluations for progress in painting_phase]
    assert counts == sorted(counts) and counts[-1] == painting_phase[-1].planned
    assert {progress.level for progress in painting_phase} == {1, 2}
    assert painting_phase[-1].size == (48, 64)
    losses = [progress.loss for progress in painting_phase if progress.loss is not None]
    assert losses[-1] < losses[0]
    previews = [progress.preview for progress in seen if progress.preview is not None]
    assert previews[-1].shape == (48, 64, 3) and previews[-1].dtype == np.uint8 and previews[-1].std() > 10


def test_a_report_has_the_loss_curve(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    picture, report = engine.stylise_with_report(photo, painting, **quick)
    assert (picture == engine.stylise(photo, painting, **quick)).all()
    assert len(report["losses"]) == 4 and report["losses"][-1] < report["losses"][0]
    assert len(report["term_losses"][0]) == len(report["terms"])
    assert report["size"] == [48, 64] and report["cancelled"] is False
    assert report["settings"]["iterations"] == 4


def test_several_styles_and_a_start(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    left = np.zeros((48, 64), bool)
    left[:, :32] = True
    one = engine.stylise(photo, painting, **quick)
    results = [
        engine.stylise(photo, [painting, "mosaic"], **quick),
        engine.stylise(photo, [impasto.Style(painting, weight=0.5), impasto.Style(photo, scale=0.5)], **quick),
        engine.stylise(photo, [impasto.Style(painting, region=left), photo], **quick),
        engine.stylise(photo, painting, init=painting, **quick),
        engine.stylise(photo, painting, init="noise", seed=3, **quick),
    ]
    for i, result in enumerate(results):
        assert result.shape == one.shape
        assert all((result != other).any() for other in [one, *results[:i]]), i


def test_an_exception_of_the_callback_reaches_the_caller(engine: Any, photo: Any, painting: Any) -> None:
    before = photo.copy()

    def tell(progress: impasto.Progress) -> None:
        if progress.evaluations >= 2:
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        engine.stylise(photo, painting, progress=tell, **LONG)
    assert (photo == before).all()


def test_a_token_cancels(engine: Any, photo: Any, painting: Any) -> None:
    for keep in False, True:
        token = impasto.CancelToken()

        def tell(progress: impasto.Progress, token: impasto.CancelToken = token) -> None:
            if progress.evaluations >= 3:
                threading.Thread(target=token.cancel).start()

        options = {"progress": tell, "cancel": token, "keep_best": keep, **LONG}
        if keep:
            picture, report = engine.stylise_with_report(photo, painting, **options)
            assert report["cancelled"] is True and len(report["losses"]) >= 3
            assert (picture != photo).mean() > 0.5
        else:
            with pytest.raises(impasto.Cancelled):
                engine.stylise(photo, painting, **options)
        assert token.cancelled


def test_what_is_no_token_is_told(engine: Any, photo: Any, painting: Any) -> None:
    with pytest.raises(AttributeError, match="cancelled"):
        engine.stylise(photo, painting, cancel=threading.Event(), **LONG)


def test_jobs_in_threads_do_what_they_do_alone(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    contents = [photo, photo[::-1].copy(), photo[:, ::-1].copy()]
    alone = [engine.stylise(content, painting, **quick) for content in contents]
    results: Dict[int, Any] = {}

    def paint(i: int) -> None:
        results[i] = engine.stylise(contents[i], painting, **quick)

    threads = [threading.Thread(target=paint, args=(i,)) for i in range(len(contents))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, expected in enumerate(alone):
        assert (results[i] == expected).all(), i


def test_two_jobs_run_at_the_same_time(engine: Any, photo: Any, painting: Any) -> None:
    """Each waits for the other in its callback, with all other Python threads running."""
    both = threading.Barrier(2, timeout=120)
    ended: List[str] = []

    def paint() -> None:
        def tell(progress: impasto.Progress) -> None:
            if progress.evaluations >= 1:
                both.wait()
                raise StopIteration

        try:
            engine.stylise(photo, painting, progress=tell, **LONG)
        except StopIteration:
            ended.append("met")

    threads = [threading.Thread(target=paint) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == ["met", "met"]


def test_a_callback_may_run_a_job(engine: Any, photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    expected = engine.stylise(photo, painting, **quick)
    inside: List[Any] = []

    def tell(progress: impasto.Progress) -> None:
        if progress.evaluations == 2 and not inside:
            inside.append(engine.stylise(photo, painting, **quick))

    assert (engine.stylise(photo, painting, progress=tell, **quick) == expected).all()
    assert (inside[0] == expected).all()


def test_an_engine_is_closed_when_its_jobs_have_ended(photo: Any, painting: Any) -> None:
    engine = impasto.Engine(device="cpu", threads=1)
    refused: List[BaseException] = []

    def tell(progress: impasto.Progress) -> None:
        try:
            engine.close()
        except impasto.InvalidArgumentError as problem:
            refused.append(problem)
            raise

    with pytest.raises(impasto.InvalidArgumentError, match="a job is running"):
        engine.stylise(photo, painting, progress=tell, **LONG)
    assert len(refused) == 1
    assert engine.info["device"] == "cpu" and engine.info["threads"] == 1
    engine.close()
    engine.close()
    for use in lambda: engine.info, lambda: engine.plan(photo, painting), lambda: engine.stylise(photo, painting):
        with pytest.raises(impasto.InvalidArgumentError, match="closed"):
            use()


def test_messages_go_to_the_function_that_is_set(photo: Any, painting: Any, quick: Dict[str, Any]) -> None:
    told: List[Any] = []

    def tell(level: str, text: str) -> None:
        told.append((level, text))
        raise ValueError("lost")

    impasto.set_log(tell, "debug")
    with impasto.Engine(device="cpu", threads=1) as engine:
        engine.stylise(photo, painting, **quick)
    impasto.set_log(None)
    count = len(told)
    assert count > 0 and all(level in ("error", "warning", "info", "debug") and text for level, text in told)
    with impasto.Engine(device="cpu", threads=1) as engine:
        engine.stylise(photo, painting, **quick)
    assert len(told) == count
    with pytest.raises(impasto.ParametersError, match="level"):
        impasto.set_log(print, "loud")
