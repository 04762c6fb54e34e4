"""What SQLAlchemy, Alembic and Django make of the embedded server: their own schemas, what they read of the dictionary, their queries."""

import datetime
import decimal
import os
import shutil
import sys
import tempfile
import traceback

import oracledb

DSN = sys.argv[1]
ONLY = sys.argv[2] if len(sys.argv) > 2 else None


def equal(expected, found):
    if expected != found:
        raise AssertionError(f"expected {expected!r}, found {found!r}")


def engine():
    import sqlalchemy as sa

    host, service = DSN.split("/")
    return sa.create_engine(f"oracle+oracledb://scott:tiger@{host}/?service_name={service}")


def sqlalchemy():
    import sqlalchemy as sa
    from sqlalchemy import orm

    class Base(orm.DeclarativeBase):
        pass

    class Author(Base):
        __tablename__ = "sa_author"
        id: orm.Mapped[int] = orm.mapped_column(sa.Identity(), primary_key=True)
        name: orm.Mapped[str] = orm.mapped_column(sa.String(60), unique=True, comment="of the author")
        books: orm.Mapped[list["Book"]] = orm.relationship(
            back_populates="author", order_by="Book.title", cascade="all, delete", passive_deletes=True
        )

    class Book(Base):
        __tablename__ = "sa_book"
        __table_args__ = (
            sa.CheckConstraint("price >= 0", name="sa_book_price"),
            sa.UniqueConstraint("author_id", "title", name="sa_book_once"),
            sa.Index("sa_book_made", "made"),
            sa.Index("sa_book_lower", sa.func.lower(sa.literal_column("title"))),
            {"comment": "what was written"},
        )
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
        title: orm.Mapped[str] = orm.mapped_column(sa.String(100))
        price: orm.Mapped[decimal.Decimal] = orm.mapped_column(sa.Numeric(8, 2), server_default="0")
        made: orm.Mapped[datetime.datetime | None] = orm.mapped_column(sa.DateTime)
        at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(sa.TIMESTAMP(timezone=True))
        text: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
        cover: orm.Mapped[bytes | None] = orm.mapped_column(sa.LargeBinary)
        ratio: orm.Mapped[float | None] = orm.mapped_column(sa.Float)
        total = sa.Column(sa.Numeric(10, 2), sa.Computed("price * 2"))
        author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("sa_author.id", ondelete="CASCADE"))
        author: orm.Mapped[Author] = orm.relationship(back_populates="books")

    db = engine()
    Base.metadata.drop_all(db)
    Base.metadata.create_all(db)
    Base.metadata.create_all(db)
    with orm.Session(db) as session:
        ada = Author(name="Ada")
        session.add(ada)
        session.flush()
        session.add_all([
            Book(id=1, title="One", price=decimal.Decimal("12.50"), author=ada, text="t" * 5000, cover=b"\x01\x02",
                 made=datetime.datetime(2024, 2, 29, 12), at=datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)),
            Book(id=2, title="Two", author=ada, ratio=0.25),
        ])
        session.commit()
        found = session.scalars(sa.select(Author).options(orm.selectinload(Author.books))).one()
        equal([("One", decimal.Decimal("12.50")), ("Two", decimal.Decimal("0"))], [(b.title, b.price) for b in found.books])
        equal((5000, b"\x01\x02", decimal.Decimal("25.00")), (len(found.books[0].text), found.books[0].cover, found.books[0].total))
        equal(["Two"], session.scalars(sa.select(Book.title).order_by(Book.title).limit(1).offset(1)).all())
        ranked = session.execute(sa.select(Book.title, sa.func.row_number().over(order_by=Book.price.desc()))).all()
        equal([("One", 1), ("Two", 2)], sorted(tuple(r) for r in ranked))
        equal([True], session.scalars(sa.select(sa.exists().where(Book.title == "One"))).all())
        try:
            with session.begin_nested():
                session.add(Author(name="Ada"))
                session.flush()
            raise AssertionError("no error")
        except sa.exc.IntegrityError as error:
            equal(1, error.orig.args[0].code)
        returned = session.execute(sa.update(Book).where(Book.id == 2).values(price=3).returning(Book.price)).all()
        equal([(decimal.Decimal("3"),)], [tuple(r) for r in returned])
        session.delete(session.get(Author, found.id))
        session.commit()
        equal(0, session.scalar(sa.select(sa.func.count()).select_from(Book)))
    inspector = sa.inspect(db)
    equal(["sa_author", "sa_book"], sorted(n for n in inspector.get_table_names() if n.startswith("sa_")))
    columns = {c["name"]: c for c in inspector.get_columns("sa_book")}
    equal(("NUMERIC", 8, 2), (type(columns["price"]["type"]).__name__.replace("NUMBER", "NUMERIC"), columns["price"]["type"].precision, columns["price"]["type"].scale))
    equal(False, columns["title"]["nullable"])
    equal("of the author", {c["name"]: c for c in inspector.get_columns("sa_author")}["name"]["comment"])
    equal(["id"], inspector.get_pk_constraint("sa_book")["constrained_columns"])
    (key,) = inspector.get_foreign_keys("sa_book")
    equal(("sa_author", ["author_id"], "CASCADE"), (key["referred_table"], key["constrained_columns"], key["options"]["ondelete"]))
    equal(["sa_book_once"], [u["name"] for u in inspector.get_unique_constraints("sa_book")])
    equal(["sa_book_price"], [c["name"] for c in inspector.get_check_constraints("sa_book") if c["name"].startswith("sa_")])
    equal({"sa_book_made", "sa_book_lower", "sa_book_once"}, {i["name"] for i in inspector.get_indexes("sa_book")})
    equal("what was written", inspector.get_table_comment("sa_book")["text"])
    reflected = sa.MetaData()
    reflected.reflect(db, only=["sa_book", "sa_author"])
    equal(10, len(reflected.tables["sa_book"].columns))
    Base.metadata.drop_all(db)
    db.dispose()


def alembic():
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    db = engine()
    metadata = sa.MetaData()
    sa.Table(
        "al_item",
        metadata,
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("price", sa.Numeric(8, 2)),
        sa.Index("al_item_name", "name"),
    )
    ours = {"include_name": lambda name, kind, parents: kind != "table" or name.startswith("al_")}
    with db.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "al_version", "compare_type": True, **ours})
        context._ensure_version_table()
        operations = Operations(context)
        operations.create_table("al_item", sa.Column("id", sa.Integer, sa.Identity(), primary_key=True), sa.Column("label", sa.String(20)))
        equal(True, len(compare_metadata(context, metadata)) > 0)
        operations.alter_column("al_item", "label", new_column_name="name", existing_type=sa.String(20))
        operations.alter_column("al_item", "name", type_=sa.String(40), nullable=False)
        operations.add_column("al_item", sa.Column("price", sa.Numeric(8, 2)))
        operations.create_index("al_item_name", "al_item", ["name"])
        operations.create_check_constraint("al_item_price", "al_item", "price > 0")
        operations.drop_constraint("al_item_price", "al_item")
        equal([], [d for d in compare_metadata(context, metadata) if "al_version" not in str(d)])
        operations.drop_table("al_item")
        connection.execute(sa.text("drop table al_version"))
        connection.commit()
    db.dispose()


def django():
    import django as framework
    from django.conf import settings

    folder = tempfile.mkdtemp()
    app = os.path.join(folder, "shop")
    os.makedirs(app)
    with open(os.path.join(app, "__init__.py"), "w"):
        pass
    with open(os.path.join(app, "models.py"), "w") as file:
        file.write(
            "from django.db import models\n"
            "class Owner(models.Model):\n"
            "    name = models.CharField(max_length=60, unique=True)\n"
            "    settings = models.JSONField(default=dict)\n"
            "class Pet(models.Model):\n"
            "    name = models.CharField(max_length=60, db_index=True)\n"
            "    weight = models.DecimalField(max_digits=6, decimal_places=2)\n"
            "    born = models.DateTimeField(null=True)\n"
            "    day = models.DateField(null=True)\n"
            "    tame = models.BooleanField(default=False)\n"
            "    story = models.TextField(blank=True)\n"
            "    picture = models.BinaryField(null=True)\n"
            "    length = models.DurationField(null=True)\n"
            "    key = models.UUIDField(null=True)\n"
            "    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name='pets')\n"
            "    friends = models.ManyToManyField('self')\n"
            "    class Meta:\n"
            "        unique_together = [('owner', 'name')]\n"
            "        constraints = [models.CheckConstraint(condition=models.Q(weight__gt=0), name='shop_pet_weight')]\n"
        )
    sys.path.insert(0, folder)
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.oracle", "NAME": DSN, "USER": "scott", "PASSWORD": "tiger"}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "shop"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        TIME_ZONE="UTC",
    )
    framework.setup()
    from django.core.management import call_command
    from django.db import IntegrityError, connection, models, transaction
    from django.db.models import Avg, Count, F, Q, Window
    from django.db.models.functions import Lower, RowNumber, TruncMonth
    from io import StringIO

    call_command("makemigrations", "shop", verbosity=0)
    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0)
    from shop.models import Owner, Pet

    utc = datetime.timezone.utc
    ada = Owner.objects.create(name="Ada", settings={"a": {"b": [1, 2]}, "n": 5})
    Pet.objects.bulk_create([
        Pet(name="Tom", weight="4.25", tame=True, owner=ada, story="s" * 5000, born=datetime.datetime(2024, 2, 29, 12, tzinfo=utc),
            length=datetime.timedelta(days=2, seconds=3), day=datetime.date(2024, 2, 29)),
        Pet(name="Rex", weight="20", owner=ada, picture=b"\x01\x02"),
    ])
    tom, rex = Pet.objects.get(name="Tom"), Pet.objects.get(name="Rex")
    equal((decimal.Decimal("4.25"), True, 5000, datetime.timedelta(days=2, seconds=3), datetime.date(2024, 2, 29)),
          (tom.weight, tom.tame, len(tom.story), tom.length, tom.day))
    equal(datetime.datetime(2024, 2, 29, 12, tzinfo=utc), tom.born)
    equal(b"\x01\x02", bytes(rex.picture))
    tom.friends.add(rex)
    equal(["Tom"], [p.name for p in rex.friends.all()])
    equal(["Rex"], list(Pet.objects.filter(Q(weight__gt=10) | Q(name__iexact="none")).values_list("name", flat=True)))
    equal(["Tom"], list(Pet.objects.order_by("name").values_list("name", flat=True)[1:2]))
    equal([("Ada", 2, decimal.Decimal("12.125"))], [(o["name"], o["n"], o["w"]) for o in Owner.objects.values("name").annotate(n=Count("pets"), w=Avg("pets__weight"))])
    equal(["Ada"], list(Owner.objects.filter(settings__a__b__0=1).values_list("name", flat=True)))
    equal(["Ada"], list(Owner.objects.filter(settings__n__gte=5).values_list("name", flat=True)))
    equal([1, 2], [p.row for p in Pet.objects.annotate(row=Window(RowNumber(), order_by=F("weight").desc())).order_by("row")])
    equal([datetime.datetime(2024, 2, 1, tzinfo=utc)], list(Pet.objects.filter(born__isnull=False).annotate(m=TruncMonth("born")).values_list("m", flat=True)))
    equal(["rex", "tom"], list(Pet.objects.annotate(low=Lower("name")).order_by("low").values_list("low", flat=True)))
    equal(["Ada"], list(Owner.objects.filter(pets__name__startswith="T", pets__born__year=2024).values_list("name", flat=True)))
    equal(["Tom"], list(Pet.objects.filter(name__regex="^T.m$").values_list("name", flat=True)))
    equal(2, Pet.objects.update(weight=F("weight") + 1))
    try:
        with transaction.atomic():
            Owner.objects.create(name="Ada")
        raise AssertionError("no error")
    except IntegrityError:
        pass
    try:
        with transaction.atomic():
            Pet.objects.create(name="Bad", weight="-1", owner=ada)
        raise AssertionError("no error")
    except IntegrityError:
        pass
    with transaction.atomic():
        equal(1, len(Pet.objects.select_for_update().filter(name="Tom")))
        try:
            with transaction.atomic():
                Pet.objects.all().delete()
                raise KeyError
        except KeyError:
            pass
    equal(2, Pet.objects.count())
    obj, made = Owner.objects.update_or_create(name="Bob", defaults={"settings": {"x": 1}})
    equal((True, {"x": 1}), (made, Owner.objects.get(name="Bob").settings))
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        equal(True, {"shop_pet", "shop_owner", "django_migrations"} <= set(tables))
        constraints = connection.introspection.get_constraints(cursor, "shop_pet")
        equal(True, "shop_pet_weight" in constraints)
        equal(["id"], connection.introspection.get_primary_key_columns(cursor, "shop_pet"))
    out = StringIO()
    call_command("inspectdb", "shop_pet", "shop_owner", stdout=out)
    equal(True, "weight = models.DecimalField(max_digits=6, decimal_places=2)" in out.getvalue())
    with open(os.path.join(app, "models.py"), "a") as file:
        file.write("class Toy(models.Model):\n    name = models.CharField(max_length=20)\n    pet = models.ForeignKey(Pet, on_delete=models.CASCADE)\n")
    with connection.schema_editor() as editor:
        field = models.CharField(max_length=80, default="none")
        field.set_attributes_from_name("color")
        editor.add_field(Pet, field)
        wider = models.CharField(max_length=120, null=True)
        wider.set_attributes_from_name("color")
        editor.alter_field(Pet, field, wider)
        renamed = models.CharField(max_length=120, null=True)
        renamed.set_attributes_from_name("shade")
        editor.alter_field(Pet, wider, renamed)
        editor.remove_field(Pet, renamed)
    ada.delete()
    equal(0, Pet.objects.count())
    call_command("sqlflush", stdout=out)
    call_command("flush", interactive=False, verbosity=0)
    call_command("migrate", "shop", "zero", verbosity=0)
    shutil.rmtree(folder)


failed = 0
for case in [sqlalchemy, alembic, django]:
    if ONLY not in (None, case.__name__):
        continue
    try:
        case()
        print(f"ok {case.__name__}", flush=True)
    except Exception:
        failed += 1
        print(f"failed {case.__name__}: {traceback.format_exc()}", flush=True)
sys.exit(1 if failed else 0)
