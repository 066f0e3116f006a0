"""The DuckDB dialect: what Great Expectations asks of SQLAlchemy, asked directly."""

import duckdb
import pytest
import sqlalchemy as sa

from expectations import dialect


@pytest.fixture
def database(tmp_path):
    dialect.register()
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.orders (order_id bigint primary key, paid decimal(18, 4) not null default 0,"
            " placed_at timestamptz, note varchar, parts integer[])"
        )
        connection.execute("insert into marts.orders values (1, 9.5, '2024-03-31 01:30:00+00', 'a', [1, 2])")
        connection.execute("insert into marts.orders values (2, 0.5, null, null, null)")
        connection.execute("create view marts.big as select * from marts.orders where paid > 1")
    return path


@pytest.fixture
def engine(database):
    engine = sa.create_engine(f"duckdb+cx:///{database}?access_mode=READ_ONLY")
    yield engine
    engine.dispose()


def test_rows_outlive_the_connection_they_came_from(engine):
    with engine.connect() as connection:
        result = connection.execute(sa.text("select order_id from marts.orders order by 1"))
        connection.connection.cursor().execute("select 42")  # another statement on the same connection
        assert [row[0] for row in result] == [1, 2]


def test_parameters_are_bound(engine):
    with engine.connect() as connection:
        paid = connection.execute(sa.text("select paid from marts.orders where order_id = :id"), {"id": 2})
        assert float(paid.scalar_one()) == 0.5


def test_fetching_in_parts_gives_each_row_once(engine):
    with engine.connect() as connection:
        result = connection.exec_driver_sql("select range from range(5)")
        assert [row[0] for row in result.fetchmany(2)] == [0, 1]
        assert result.fetchone()[0] == 2
        assert [row[0] for row in result.fetchall()] == [3, 4]


def test_a_read_only_file_refuses_writing(engine):
    with engine.connect() as connection, pytest.raises(Exception, match="read-only"):
        connection.exec_driver_sql("create table marts.t (i integer)")


def test_columns_are_reflected_with_their_types(engine):
    columns = {column["name"]: column for column in sa.inspect(engine).get_columns("orders", schema="marts")}
    assert list(columns) == ["order_id", "paid", "placed_at", "note", "parts"]
    assert isinstance(columns["order_id"]["type"], sa.BigInteger)
    assert (columns["paid"]["type"].precision, columns["paid"]["type"].scale) == (18, 4)
    assert columns["placed_at"]["type"].timezone is True
    assert isinstance(columns["note"]["type"], sa.String)
    assert (columns["paid"]["nullable"], columns["note"]["nullable"]) == (False, True)


def test_views_are_seen_like_tables(engine):
    inspector = sa.inspect(engine)
    assert inspector.has_table("big", schema="marts")
    assert [column["name"] for column in inspector.get_columns("big", schema="marts")][:2] == [
        "order_id",
        "paid",
    ]


def test_a_missing_table_is_said_to_be_missing(engine):
    inspector = sa.inspect(engine)
    assert not inspector.has_table("orders", schema="main")
    with pytest.raises(sa.exc.NoSuchTableError):
        inspector.get_columns("nothing", schema="marts")


def test_primary_key_is_reflected(engine):
    assert sa.inspect(engine).get_pk_constraint("orders", schema="marts")["constrained_columns"] == [
        "order_id"
    ]


def test_a_whole_table_can_be_loaded_by_reflection(engine):
    table = sa.Table("orders", sa.MetaData(), schema="marts", autoload_with=engine)
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 2


def test_a_shared_connection_shows_its_views_and_stays_open():
    dialect.register()
    with duckdb.connect() as owner:
        owner.execute("create view numbers as select range as n from range(10)")
        with dialect.shared_url(owner) as url:
            engine = sa.create_engine(url)
            with engine.connect() as connection:
                assert connection.exec_driver_sql("select sum(n) from numbers").scalar_one() == 45
            engine.dispose()
        assert owner.execute("select count(*) from numbers").fetchone() == (10,)


def test_a_shared_connection_cannot_be_used_after_it_was_taken_back():
    dialect.register()
    with duckdb.connect() as owner, dialect.shared_url(owner) as url:
        pass
    with pytest.raises(Exception, match="taken back"):
        sa.create_engine(url).connect()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DECIMAL(10,2)", sa.Numeric),
        ("TIMESTAMP", sa.TIMESTAMP),
        ("TIMESTAMP WITH TIME ZONE", sa.TIMESTAMP),
        ("STRUCT(a INTEGER)", sa.String),
        ("HUGEINT", sa.Numeric),
        ("DOUBLE", sa.Double),
    ],
)
def test_duckdb_types_have_a_sqlalchemy_type(name, kind):
    assert isinstance(dialect.sqlalchemy_type(name), kind)
