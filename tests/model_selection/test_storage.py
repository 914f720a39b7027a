"""Values of `storage`, and errors when it cannot be opened."""

import importlib.util

import optuna
import pytest

from skmnist.model_selection._storage import open_storage, show_storage


def test_a_path_is_sqlite_or_a_journal(tmp_path):
    assert isinstance(open_storage(None), optuna.storages.InMemoryStorage)
    open_storage(tmp_path / "study.db").create_new_study([optuna.study.StudyDirection.MAXIMIZE])
    assert (tmp_path / "study.db").read_bytes().startswith(b"SQLite format 3")
    journal = open_storage(str(tmp_path / "study.journal"))
    journal.create_new_study([optuna.study.StudyDirection.MAXIMIZE])
    assert (tmp_path / "study.journal").read_text().startswith("{")
    assert open_storage(journal) is journal
    url = f"sqlite:///{tmp_path / 'other.db'}"
    assert len(open_storage(url).get_all_studies()) == 0


@pytest.mark.parametrize("name", ["study.db", "notes.log"])
@pytest.mark.parametrize(
    "text", ["not a study at all\n" * 100, "one line", "one\ntwo", '{"a": 1}\n']
)
def test_a_file_of_something_else_is_refused_and_kept(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(RuntimeError, match=rf"storage='.*{name}'"):
        open_storage(path)
    assert path.read_text() == text


def test_folders_raise(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        open_storage(tmp_path)
    with pytest.raises(ValueError, match="folder that does not exist"):
        open_storage(tmp_path / "nowhere" / "study.db")


@pytest.mark.skipif(not importlib.util.find_spec("psycopg"), reason="psycopg is not installed")
def test_an_unreachable_database_is_reported_without_its_password():
    url = "postgresql://me:s3cret@127.0.0.1:1/digits"
    with pytest.raises(RuntimeError, match="cannot be opened") as caught:
        open_storage(url)
    told = "".join(map(str, [caught.value, caught.value.__cause__]))
    assert "s3cret" not in told
    assert "127.0.0.1" in told
    assert caught.value.__suppress_context__
    assert show_storage(url) == "postgresql://me:***@127.0.0.1:1/digits"


def test_a_missing_driver_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(ImportError, match=r"skmnist\[postgres\]"):
        open_storage("postgresql://me@127.0.0.1/digits")


def test_a_password_is_hidden_wherever_a_url_has_it():
    for url in (
        "postgresql://me:s3cret@host/db",
        "postgresql+psycopg://me:s3@cret@host:5432/db",
        "postgresql://me@host/db?sslmode=require&password=s3cret",
        "postgresql:/me:s3cret@host/db",
    ):
        assert "cret" not in show_storage(url)
        assert "host" in show_storage(url)


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        ("://nothing", "not a database URL"),
        ("postgresql://me:s3cret@host:port/db", r"me:\*\*\*@host:port/db' is not a database URL"),
        ("postgresql:/me:s3cret@host/db", r"me:\*\*\*@host/db' is not a database URL"),
        ("sqlite:///:memory:", "pass storage=None"),
        ("what?.db", "must not contain '\\?' or '%'"),
        ("50%25.db", "must not contain '\\?' or '%'"),
    ],
)
def test_invalid_storages_raise(tmp_path, monkeypatch, storage, told):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=told):
        open_storage(storage)
    assert not list(tmp_path.iterdir())


def test_a_database_whose_tables_another_process_makes_is_opened(tmp_path, monkeypatch):
    from sqlalchemy.exc import IntegrityError

    opened = []

    def open_late(url, **settings):
        opened.append(url)
        if len(opened) == 1:  # the other process was first to write the row of the version
            raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed: alembic"))
        return storage(url, **settings)

    storage = optuna.storages.RDBStorage
    monkeypatch.setattr(optuna.storages, "RDBStorage", open_late)
    assert isinstance(open_storage(tmp_path / "study.db"), storage)
    assert len(opened) == 2
