# %% [markdown]
# # 1. Curate a data set
#
# A model learns what is in its examples, mistakes included. This notebook reads your file, shows what could do harm,
# and proposes what to do about it.
#
# **You decide here:** which columns, how answers are judged, and what happens to each faulty row.

# %%
import workbench
from workbench import charts, panels

project = workbench.open_project()
raw, raw_test = workbench.read_project_files(project)
raw

# %% [markdown]
# ## Which columns
#
# The guess is shown with its reason. Choose others if it is wrong, then run the cells below again.

# %%
columns = panels.columns(raw, workbench.project_columns(project, raw))
columns

# %% [markdown]
# The same without the panel: `columns = workbench.choose_columns(raw, input="...", answer="...")`.
#
# Rows that can't be read are set aside with file, line and reason. They are kept in `data/quarantine.jsonl`.

# %%
dataset, quarantine = workbench.to_dataset(raw, columns.result)
quarantine

# %% [markdown]
# ## How answers are judged
#
# JSON by its fields, labels and numbers by equality, free text by likeness of meaning, never by equal letters.
# The same without the panel: `task = workbench.project_task(project, dataset).change("label", dataset)`

# %%
task = panels.task(dataset, workbench.project_task(project, dataset))
task

# %% [markdown]
# ## What could do harm
#
# Each check has a reason, and its evidence by row. Personal data is counted here and never shown.

# %%
test, unread = workbench.to_dataset(raw_test, columns.result, "test") if raw_test else (None, [])
workbench.save_quarantine(project, [*quarantine, *unread])
report = workbench.check_rows(dataset, task.result.kind, test)
report

# %%
charts.picture(charts.findings(report))

# %%
report.findings_table().head(12)

# %% [markdown]
# ## What to do about it
#
# The recommended decision is set for each check. The same without the panel:
# `decided = recommended.change("keep", check="contradiction")`, or `row_id="line-12"` for one row.

# %%
recommended = workbench.recommended_decisions(report, project)
decisions = panels.decisions(report, recommended)
decisions

# %%
decided = decisions.result
decided.save(project.path("data/decisions.json"))
curated = decided.apply(dataset)
curated

# %% [markdown]
# ## Three parts that share no question
#
# The model learns from the first part, settings are chosen on the second, and the third is for judging alone. Rows
# with the same question always stay together. A test set that came with the data is cleaned by the same checks.

# %%
if test is not None:
    test = workbench.recommended_decisions(workbench.check_rows(test, task.result.kind)).apply(test)
splits = workbench.split(curated, project.depth.validation_rows, project.depth.test_rows, test)
workbench.save_curated(project, splits, workbench.project_task(project, splits.train, task.result))
splits

# %% [markdown]
# **Decided:** the rows to learn from and the rows to judge by. Next:
# [2. Prompt, RAG or fine-tune?](02_prompt_rag_or_finetune.ipynb)
