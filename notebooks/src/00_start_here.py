# %% [markdown]
# # 0. Start here
#
# You have examples of what you want: a message and the answer it should get. Is a **better prompt** enough, do you
# need **retrieval**, or is it worth **fine-tuning** a model? In six short notebooks you find out by measuring it on
# your own rows.
#
# **You decide here:** which data, how deep, which model. Everything starts from a recommended choice, so
# *Run > Run All Cells* works at once.

# %% [markdown]
# ## What this machine can do
#
# Training runs on a GPU where there is one. Where there is none, a small real model trains on the processor.

# %%
import workbench
from workbench import panels

machine = workbench.this_machine()
machine

# %% [markdown]
# ## Which model
#
# The largest model of a short table that fits this machine. You can choose another below, or give a hub id or a folder.

# %%
model = workbench.propose_model(machine)
model

# %% [markdown]
# ## Your choice
#
# Take a sample, or name your own data: a file (CSV, Excel, JSON, JSONL, Parquet), a folder, or a data set on the hub,
# with an input and the answer you want in each row.
# If you change something, run the cell below again.

# %%
choice = panels.start(workbench.default_start(), model)
choice

# %% [markdown]
# The same without the panel: `project = workbench.start_project("my-project", data="my.csv", depth="quick", model="embedded")`

# %%
start = choice.result
project = workbench.start_project(start.name, start.data, start.depth, start.model)
project

# %% [markdown]
# **Decided:** what to work on. All that follows is kept in the project's folder, so that you can stop at any time and
# go on later. Next: [1. Curate a data set](01_curate_a_dataset.ipynb)
