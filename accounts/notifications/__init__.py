"""What people are told: in the page and by mail, as each prefers, in one transaction with its cause.

A feature says once, where its rooms are imported, what kinds of things it tells, and tells them by one call::

    # imaging/orders/notices.py
    from accounts.notifications import groups, kinds, services
    from accounts.notifications.kinds import Kind

    SCHEDULED = kinds.register(
        Kind(
            name="orders.scheduled",
            group=groups.REQUESTS,
            label=_lazy("An exam that I asked for has its time"),
            title=_lazy("An exam that you asked for has its time"),
            text=_lazy("When and where stands in the portal."),
            by_mail=False,
        )
    )

    # inside the transaction that books the slot
    services.notify(
        [request.requester],
        notices.SCHEDULED,
        path=reverse("orders:request", args=[request.pk]),
        subject=("exam_request", str(request.pk)),
        actor=actor,
    )

A text that depends on what is told is a function: ``title=lambda told: ngettext(…, told["count"])``. A module called
``notices`` is imported when the application is ready, so that every process knows its kinds.

Words and ``params`` name no patient: mail is read anywhere. What the reader of the page may know beyond them is told by
``subjects.register("exam_request", describe)``, asked with the reader's own scope whenever the page is drawn.
"""
