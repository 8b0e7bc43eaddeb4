r"""How words reach somebody outside the portal: mail, text messages, codes.

A feature says once, in a module called ``notices``, what kinds of messages it sends, and owes them by one call::

    LINK = kinds.register(
        MessageKind(
            name="share.link",
            channel=Channel.MAIL,
            label=_lazy("Link to shared images"),
            places=(Place("link", _lazy("the link"), "https://…/s/abc/", form=Form.LINK), …),
            needs=frozenset({"link"}),
            subject=_lazy("Medical images were shared with you"),
            body=_lazy("{department} shares images with you.\n\n{link}"),
        )
    )

    # inside the transaction that makes the share
    services.owe(notices.LINK, to=address, language="fr", department=department, values={…}, about=("share", key))

What is written stands in the message's own row, sealed, until it has left, and not longer.
"""
