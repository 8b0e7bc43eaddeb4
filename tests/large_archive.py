"""An archive of a million studies, made in the database: for measuring what lists, searches and arrivals cost in a large one.

The same size gives the same rows, whenever it is made. Frequencies are those of a general hospital: few modalities do most
of the work, descriptions and body parts follow the modality, most studies are placed with who made them and with who asked,
some names are common and most are rare. Instances are not made: lists never read them.
"""

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import psycopg
from django.utils import timezone
from psycopg import sql

from imaging.dicom import person_name

#: The last day of the archive.
TODAY: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
_YEARS: Final = 15
#: Seconds for which others may still have a transaction open.
_PATIENCE: Final = 30.0

_FAMILIES: Final = (
    "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy Roux David Bertrand"
    " Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Müller Lefebvre Faure André Mercier Blanc Guérin"
    " Boyer Garnier Chevalier François Legrand Gauthier Garcia Perrin Robin Clément Morin Nicolas Henry Roussel Mathieu"
    " Gautier Masson Marchand Duval Denis Dumont Marie Lemaire Noël Meyer Dufour Meunier Brun Blanchard Giraud Joly Rivière"
    " Lucas Brunet Gaillard Barbier Arnaud Martínez Gérard Roche Renard Schmitt Roy Leroux Colin Vidal Caron Picard Fabre"
    " Aubert Lacroix Rodríguez Hübner Nguyễn Trần Öztürk Yılmaz Ben-Salah El-Amrani N'Diaye O'Brien Kovač Nowák Željko Łukasz"
    " Çelik Aït-Ahmed Ðorđević Østergaard Håkansson Sánchez Fernández Gonçalves Simões Traoré Diallo Coulibaly Keïta Sow"
)
_GIVEN: Final = (
    "Marie Jean Pierre Jeanne Françoise Michel André Monique Philippe Catherine Nathalie Alain Isabelle Jacques Bernard"
    " Sylvie Daniel Anne Christophe Nicolas Sophie Stéphane Émilie Céline Julien Élodie Aurélie Sébastien Hélène Valérie"
    " Jérôme Zoé Chloé Léa Inès Noé Raphaël Gaël Loïc Maël Thérèse Geneviève Amélie Mélanie Frédéric Cédric Grégory Rémi"
    " Mohamed Fatima Aïcha Karim Leïla Ahmed Yasmine Nguyễn Mỹ Jürgen Günther José María João Ángel Björn Søren Zdeněk Şule"
)
#: Modalities of a study, how many in a thousand, the years (of the archive's fifteen) in which it is made, series and images.
_KINDS: Final = (
    (("DX",), 270, 6, 15, 2, 3),
    (("CR",), 110, 0, 8, 2, 3),
    (("CT",), 150, 0, 15, 5, 700),
    (("CT", "SR"), 90, 5, 15, 6, 820),
    (("US",), 150, 0, 15, 1, 32),
    (("MR",), 105, 0, 15, 9, 420),
    (("MG",), 45, 0, 15, 4, 4),
    (("KO", "MR"), 15, 8, 15, 10, 430),
    (("XA",), 20, 0, 15, 12, 340),
    (("RF",), 12, 0, 6, 2, 14),
    (("NM",), 10, 0, 15, 3, 3),
    (("CT", "PT"), 10, 4, 15, 4, 1200),
    (("OT",), 8, 0, 15, 1, 1),
    (("IO",), 3, 10, 15, 1, 6),
    (("ES",), 1, 12, 15, 1, 9),
    (("CT", "MR", "RTSTRUCT"), 1, 9, 15, 14, 900),
)
_PARTS: Final[Mapping[str, Sequence[str]]] = {
    "DX": ("CHEST", "HAND", "KNEE", "FOOT", "PELVIS", "SHOULDER", "SPINE", "WRIST", "ANKLE", "ABDOMEN", ""),
    "CR": ("CHEST", "HAND", "KNEE", "FOOT", "PELVIS", "SKULL", ""),
    "CT": ("CHEST", "ABDOMEN", "HEAD", "TAP", "SPINE", "NECK", "PELVIS", ""),
    "MR": ("BRAIN", "SPINE", "KNEE", "SHOULDER", "LIVER", "PROSTATE", "HEART", ""),
    "US": ("ABDOMEN", "THYROID", "BREAST", "HEART", "PELVIS", ""),
    "MG": ("BREAST",),
}
_WORDS: Final = (
    "",
    "de face",
    "avec contraste",
    "sans injection",
    "contrôle",
    "post-opératoire",
    "urgence",
    "dépistage",
)

_LOADED: Final = ("imaging_patient", "imaging_study", "imaging_placement")

# Anything that looks like chance is a hash of the row's number: the same archive every time, without a seed to keep.
_CHANCE: Final = """
    CREATE OR REPLACE FUNCTION pg_temp.chance(n bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT (hashint8extended(n, salt) & 1073741823)::float8 / 1073741824 $$
"""
_PATIENTS: Final = """
    INSERT INTO imaging_patient (id, issuer_of_patient_id, patient_id, patient_name, name_norm, birth_date, sex, created_at)
    SELECT n, 'H', CASE WHEN n %% 97 = 0 THEN '' ELSE 'IPP' || lpad(n::text, 9, '0') END,
        family || second || '^' || given || middle,
        family_norm || second_norm || ' ' || given_norm || middle_norm,
        CASE WHEN n %% 71 > 0 THEN date '1925-01-01' + (power(pg_temp.chance(n, 3), 0.8) * 37000)::int END,
        CASE WHEN n %% 211 = 0 THEN '' WHEN n %% 307 = 0 THEN 'O' WHEN n %% 2 = 0 THEN 'F' ELSE 'M' END, %(today)s
    FROM generate_series(1, %(patients)s) AS n
    CROSS JOIN LATERAL (SELECT
        1 + (power(pg_temp.chance(n, 1), 1.6) * (array_length(%(families)s::text[], 1) - 1))::int AS f,
        1 + (power(pg_temp.chance(n, 2), 1.4) * (array_length(%(given)s::text[], 1) - 1))::int AS g,
        1 + (pg_temp.chance(n, 4) * (array_length(%(families)s::text[], 1) - 1))::int AS s,
        1 + (pg_temp.chance(n, 5) * (array_length(%(given)s::text[], 1) - 1))::int AS m) AS chosen
    CROSS JOIN LATERAL (SELECT
        (%(families)s::text[])[f] AS family, (%(families_norm)s::text[])[f] AS family_norm,
        (%(given)s::text[])[g] AS given, (%(given_norm)s::text[])[g] AS given_norm,
        CASE WHEN n %% 3 = 0 THEN '-' || (%(families)s::text[])[s] ELSE '' END AS second,
        CASE WHEN n %% 3 = 0 THEN ' ' || (%(families_norm)s::text[])[s] ELSE '' END AS second_norm,
        CASE WHEN n %% 4 = 0 THEN '^' || (%(given)s::text[])[m] ELSE '' END AS middle,
        CASE WHEN n %% 4 = 0 THEN ' ' || (%(given_norm)s::text[])[m] ELSE '' END AS middle_norm) AS named
"""
_STUDIES: Final = """
    INSERT INTO imaging_study (id, patient_id, study_instance_uid, accession_number, study_id, study_at, study_time_known,
        description, description_norm, referring_physician_name, referring_norm, institutional_department_name, modalities,
        body_part_examined, series_count, instance_count, source, sensitivity, status, version, is_corrected, is_copy,
        first_received_at, last_received_at, settled_at)
    SELECT n, 1 + (power(pg_temp.chance(n, 11), 1.3) * (%(patients)s - 1))::int, '1.2.826.0.1.3680043.10.9.' || n,
        CASE WHEN n %% 41 = 0 THEN '' ELSE 'A' || lpad(n::text, 10, '0') END, '', made, n %% 53 > 0,
        trim(kind || ' ' || part || ' ' || word), lower(translate(trim(kind || ' ' || part || ' ' || word), 'éèôà-', 'eeoa ')),
        CASE WHEN n %% 19 = 0 THEN '' ELSE doctor END, CASE WHEN n %% 19 = 0 THEN '' ELSE doctor_norm END, '',
        modalities, part, series, images, kind || '_' || lpad((1 + n %% 9)::text, 2, '0'),
        CASE WHEN n %% 499 = 0 THEN 'staff' ELSE '' END,
        CASE WHEN n > %(studies)s - 12 THEN 'arriving' WHEN n %% 701 = 0 THEN 'attention' ELSE 'complete' END,
        1, false, false, made + interval '5 minutes', made + interval '5 minutes' + pg_temp.chance(n, 17) * interval '40 minutes',
        CASE WHEN n <= %(studies)s - 12 THEN made + interval '1 hour' END
    FROM generate_series(1, %(studies)s) AS n
    CROSS JOIN LATERAL (SELECT sqrt(n::float8 / %(studies)s) * %(years)s AS year, pg_temp.chance(n, 12) * 1000 AS draw) AS drawn
    CROSS JOIN LATERAL (SELECT %(today)s - (%(years)s - year) * interval '365.25 days' AS made) AS moment
    CROSS JOIN LATERAL (SELECT k.* FROM large_archive_kind k WHERE k.first_year <= year AND year <= k.last_year
        ORDER BY (k.up_to < draw), k.up_to LIMIT 1) AS chosen
    CROSS JOIN LATERAL (SELECT parts[1 + floor(power(pg_temp.chance(n, 13), 1.5) * array_length(parts, 1))::int] AS part,
        (%(words)s::text[])[1 + floor(pg_temp.chance(n, 14) * array_length(%(words)s::text[], 1))::int] AS word,
        1 + floor(power(pg_temp.chance(n, 15), 2) * 3000)::int AS d) AS picked
    CROSS JOIN LATERAL (SELECT 1 + (d %% array_length(%(families)s::text[], 1)) AS f, 1 + (d %% array_length(%(given)s::text[], 1)) AS g,
        greatest(1, (most_series * (0.5 + pg_temp.chance(n, 18)))::int) AS series,
        greatest(1, (most_images * (0.3 + 1.4 * pg_temp.chance(n, 19)))::int) AS images) AS counted
    CROSS JOIN LATERAL (SELECT (%(families)s::text[])[f] || '^' || (%(given)s::text[])[g] || '^^Dr' AS doctor,
        (%(families_norm)s::text[])[f] || ' ' || (%(given_norm)s::text[])[g] || ' dr' AS doctor_norm) AS named
"""
# The performing department follows modality and chance; every second study has a requesting one too, some a grant that ends.
_PLACEMENTS: Final = """
    INSERT INTO imaging_placement (study_id, department_id, kind, until, reason_code, reason_detail, placed_at, study_at,
        last_received_at, name_norm, patient_id, accession_number, modalities, modality_key, description_norm,
        body_part_examined, birth_date, sex, referring_norm, series_count, instance_count, source, status, sensitivity)
    SELECT s.id, department, kind, until, 'x', '', s.first_received_at, s.study_at, s.last_received_at, p.name_norm,
        p.patient_id, s.accession_number, s.modalities, array_to_string(s.modalities, '\\'), s.description_norm,
        s.body_part_examined, p.birth_date, p.sex, s.referring_norm, s.series_count, s.instance_count, s.source, s.status,
        s.sensitivity
    FROM imaging_study s JOIN imaging_patient p ON p.id = s.patient_id
    CROSS JOIN LATERAL (SELECT floor(power(pg_temp.chance(s.id, 21), 2.5) * array_length(%(departments)s::bigint[], 1))::int AS a,
        floor(power(pg_temp.chance(s.id, 22), 1.8) * array_length(%(departments)s::bigint[], 1))::int AS b,
        floor(pg_temp.chance(s.id, 23) * array_length(%(departments)s::bigint[], 1))::int AS c) AS drawn
    CROSS JOIN LATERAL (
        SELECT (%(departments)s::bigint[])[1 + a] AS department, 'owner' AS kind, NULL::timestamptz AS until
        UNION ALL SELECT (%(departments)s::bigint[])[1 + b], 'requesting', NULL WHERE s.id %% 2 = 0 AND b <> a
        UNION ALL SELECT (%(departments)s::bigint[])[1 + c], 'grant',
            %(now)s + (CASE WHEN s.id %% 7 = 0 THEN -1 ELSE 1 END) * interval '30 days'
            WHERE s.id %% (%(studies)s / greatest(%(grants)s, 1)) = 0 AND c <> a AND (s.id %% 2 = 1 OR c <> b)
    ) AS placed
    ORDER BY s.id
"""


def owner_of(database: str) -> psycopg.Connection[object]:
    """A connection of the role that owns a test database: the application's own may not drop an index."""
    url = psycopg.conninfo.make_conninfo(os.environ["DATABASE_OWNER_URL"], dbname=database)
    return psycopg.connect(url, autocommit=True)


def load(owner: psycopg.Connection[object], *, departments: Sequence[int], studies: int, grants: int = 5000) -> None:
    """Fill an empty archive through the owner's connection: studies placed in these departments (primary keys).

    The first departments have the most. Indexes are made anew afterwards, and statistics taken, as a night would.
    """
    texts = {"families": sorted(set(_FAMILIES.split())), "given": sorted(set(_GIVEN.split()))}
    values = {
        **texts,
        **{f"{name}_norm": [person_name.normalised(text) for text in entries] for name, entries in texts.items()},
        "words": list(_WORDS),
        "departments": list(departments),
        "studies": studies,
        "patients": max(studies * 2 // 5, 1),
        "grants": min(grants, studies),
        "years": _YEARS,
        "today": TODAY,
        "now": timezone.now(),
    }
    with owner.transaction():
        indexes = _without_indexes(owner)
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute("SET LOCAL maintenance_work_mem = '512MB'")
        owner.execute(_CHANCE)
        _kinds(owner)
        for statement in (_PATIENTS, _STUDIES, _PLACEMENTS):
            owner.execute(statement, values)
        for index in indexes:
            owner.execute(index)
        for table in _LOADED:
            name = sql.Identifier(table)
            owner.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))").format(table, name)
            )
    for table in _LOADED:
        _vacuum(owner, table)


def _vacuum(owner: psycopg.Connection[object], table: str) -> None:
    """Until every page is known to be visible to all: a transaction that somebody still has open here puts that off.

    Few dead rows, as rolled back tests leave them, would be left alone with their pages: indexes are cleaned in any case.
    """
    deadline = time.monotonic() + _PATIENCE
    visible = "SELECT relallvisible >= relpages FROM pg_class WHERE oid = %s::regclass"
    while True:
        owner.execute(sql.SQL("VACUUM (ANALYZE, INDEX_CLEANUP ON) {}").format(sql.Identifier(table)))
        if owner.execute(visible, [table]).fetchone() == (True,):
            return
        if time.monotonic() > deadline:
            held = owner.execute(
                "SELECT state, query FROM pg_stat_activity WHERE datname = current_database()"
                " AND coalesce(backend_xmin, backend_xid) IS NOT NULL AND pid <> pg_backend_pid()"
            ).fetchall()
            raise AssertionError(f"{table} cannot be vacuumed; still open: {held}")
        time.sleep(0.2)


def _without_indexes(owner: psycopg.Connection[object]) -> list[bytes]:
    """Drop what only slows the loading down; the statements that make it again."""
    found = owner.execute(
        "SELECT indexname, indexdef FROM pg_indexes i WHERE tablename = ANY(%s) AND NOT EXISTS"
        " (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)",
        [list(_LOADED)],
    ).fetchall()
    for name, _definition in found:  # type: ignore[misc]
        owner.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [str(definition).encode() for _name, definition in found]  # type: ignore[misc]


def _kinds(owner: psycopg.Connection[object]) -> None:
    owner.execute(
        "CREATE TEMPORARY TABLE large_archive_kind (kind text, modalities varchar(16)[], up_to float8, first_year int,"
        " last_year int, most_series int, most_images int, parts text[]) ON COMMIT DROP"
    )
    up_to = 0
    for modalities, weight, first, last, series, images in _KINDS:
        up_to += weight
        kind = modalities[0]
        owner.execute(
            "INSERT INTO large_archive_kind VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [kind, list(modalities), up_to, first, last, series, images, list(_PARTS.get(kind, ("",)))],
        )
