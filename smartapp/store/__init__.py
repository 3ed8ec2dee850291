"""What must survive a restart."""

from smartapp.store.admin_store import AdminStore
from smartapp.store.card_store import CardStore
from smartapp.store.database import connect
from smartapp.store.migrating import migrate
from smartapp.store.query_store import QueryStore
from smartapp.store.review_store import ClaimLost, ReviewStore
from smartapp.store.worklist_store import WorklistStore

__all__ = [
    "AdminStore",
    "CardStore",
    "ClaimLost",
    "QueryStore",
    "ReviewStore",
    "WorklistStore",
    "connect",
    "migrate",
]
