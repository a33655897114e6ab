from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

engine = create_async_engine("postgresql+asyncpg://app@db/app", poolclass=AsyncAdaptedQueuePool, pool_size=5)
