import os, sys, time, cProfile, pstats
import pytest
@pytest.mark.django_db(transaction=True)
def test_bench(data_dir):
    from accounts.actor import SYSTEM
    from imaging.studies import services as studies
    from tests.factories.accounts import DepartmentFactory
    from tests.factories.arrivals import dataset, incoming, uid
    d = DepartmentFactory.create()
    for size in (1, 10, 50, 200):
        s, e = uid(), uid()
        n = max(400, size) if size>1 else 60
        items = [incoming(dataset(StudyInstanceUID=s, SeriesInstanceUID=e, InstanceNumber=i), data_dir/"spool", d) for i in range(n)]
        import dataclasses
        rest = [dataclasses.replace(i, placements=()) for i in items]
        studies.register(items[:1], actor=SYSTEM)
        t=time.perf_counter(); c=time.process_time()
        pr=cProfile.Profile()
        if size==-1: pr.enable()
        for i in range(1, n, size):
            studies.register(rest[i:i+size], actor=SYSTEM)
        if size==-1: pr.disable()
        dt=time.perf_counter()-t
        print(f"\nbatch {size}: {(n-1)/dt:.0f} rows/s, {dt/((n-1)/size)*1000:.1f} ms per batch, cpu {(time.process_time()-c)/(n-1)*1000:.2f} ms per row")
        if size==-1: pstats.Stats(pr).sort_stats("cumtime").print_stats(35)
