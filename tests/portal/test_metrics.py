"""Figures for a monitoring system, and for nobody else."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from portal import metrics
from portal.environment import environment


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: dict[str, Any] = {"metrics_token": "t0ken", "metrics_addresses": ("192.0.2.0/24",)}
    monkeypatch.setattr(metrics, "environment", replace(environment, **chosen))


@pytest.mark.django_db
@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize(
    "asked", [{"HTTP_AUTHORIZATION": "Bearer t0ken"}, {"REMOTE_ADDR": "192.0.2.7"}], ids=["token", "address"]
)
def test_the_token_and_the_addresses_get_figures(client: Client, asked: dict[str, str]) -> None:
    answer = client.get("/metrics", **asked)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'negatoscope_jobs{state="failed"} 0' in text
    assert "negatoscope_disk_free_bytes" in text
    assert text.count("# TYPE negatoscope_jobs gauge") == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("asked", [{}, {"HTTP_AUTHORIZATION": "Bearer wrong"}, {"REMOTE_ADDR": "198.51.100.7"}])
def test_for_others_there_is_no_such_page(client: Client, asked: dict[str, str]) -> None:
    assert client.get("/metrics", **asked).status_code == 404


@pytest.mark.django_db
def test_where_nothing_is_set_there_is_no_such_page_for_anybody(client: Client) -> None:
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404
