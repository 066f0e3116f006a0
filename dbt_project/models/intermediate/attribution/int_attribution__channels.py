"""Channels under the data-driven models, learnt from the aggregated paths.

The mathematics is in dbt_project/python/attribution; here is only the way in and out.
"""

import pyarrow as pa

from dbt_project.python.attribution.channels import Settings, channel_rows
from dbt_project.python.attribution.paths import Paths

TYPES = {
    "method": pa.string(), "channel": pa.string(),
    "path_count": pa.int64(), "converting_path_count": pa.int64(),
    "effect": pa.float64(), "value_effect": pa.float64(),
    "share": pa.float64(), "value_share": pa.float64(), "share_low": pa.float64(), "share_high": pa.float64(),
    "share_rank": pa.int64(), "share_rank_low": pa.int64(), "share_rank_high": pa.int64(),
}  # fmt: skip


def model(dbt, session):
    """One row per method and channel."""
    settings = Settings(
        bootstrap_samples=dbt.config.meta_get("bootstrap_samples"),
        shapley_exact_channels=dbt.config.meta_get("shapley_exact_channels"),
        shapley_permutations=dbt.config.meta_get("shapley_permutations"),
        seed=dbt.config.meta_get("seed"),
    )
    paths = dbt.ref("mart_attribution_paths").filter("mature_path_count > 0")
    rows = paths.project(
        "path, mature_conversion_count, mature_revenue, mature_path_count - mature_conversion_count"
    ).fetchall()
    return pa.Table.from_pylist(channel_rows(Paths.of(rows), settings), schema=pa.schema(TYPES))
