from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import QueuePool

engine = create_async_engine("postgresql+asyncpg://app@db/app", poolclass=QueuePool, pool_size=5)
