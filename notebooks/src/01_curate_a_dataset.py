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
source = panels.source(project)
source

# %% [markdown]
# The same without the panel: `source.set(encoding="cp1252")`.
#
# ## Which columns
#
# The guess is shown with its reason. Choose others if it is wrong, then run the cells below again.

# %%
raw, raw_test = source.result
columns = panels.columns(raw, workbench.project_columns(project, raw), project)
columns

# %% [markdown]
# The same without the panel: `columns.set(input="...", answer="...")`.
#
# ## On what terms
#
# Every row carries where it came from and on what terms you may use it, into the papers at the end. A column that
# tells people apart is kept as keyed codes only, so that a person's rows can be found again and deleted.

# %%
terms = panels.terms(raw, project)
terms

# %% [markdown]
# The same without the panel: `terms.set(licence="...", restricted=True)`.
#
# Rows that can't be read are set aside with file, line and reason. They are kept in `data/quarantine.jsonl`.

# %%
dataset, quarantine = workbench.to_dataset(raw, columns.result, origin=terms.result)
test, unread = workbench.to_dataset(raw_test, columns.result, "test", terms.result) if raw_test else (None, [])
workbench.save_quarantine(project, [*quarantine, *unread])
workbench.save_terms(project, terms.result)
quarantine

# %% [markdown]
# ## How answers are judged
#
# JSON by its fields, labels and numbers by equality, free text by likeness of meaning, never by equal letters.
# The same without the panel: `task.set(kind="label")`

# %%
task = panels.task(dataset, workbench.project_task(project, dataset), project)
task

# %% [markdown]
# ## What could do harm
#
# Each check has a reason, and its evidence by row. A *fault* is acted on unless you say otherwise; what is there for
# *review* is kept until you have looked. Likeness alone never deletes a row: "20 mg" and "200 mg" are very alike.

# %%
tokens = workbench.row_tokens(project)
context = workbench.CheckContext(
    task.result.kind, test, workbench.probe_texts(), tokens.count, tokens.window,
    restricted=terms.result.restricted, progress=panels.Progress(),
)
report = workbench.check_rows(dataset, context)
report.save(project.path("data/report.json"))
report

# %%
charts.picture(charts.findings(report))

# %% [markdown]
# Every finding with its row and evidence: `report.findings_table()`
#
# ## What the rows are about
#
# Topics are found by the words that rows share. What is thin here is what the model will know least about.

# %%
coverage = workbench.coverage(dataset, test=test)
coverage

# %%
charts.picture(charts.coverage_map(coverage))

# %%
charts.picture(charts.coverage(coverage))

# %% [markdown]
# The labels (or the values of each short field), the languages, and the lengths in tokens of this model:

# %%
workbench.balance(dataset, task.result.kind)

# %%
workbench.languages(dataset, context)

# %%
workbench.lengths(dataset, context)

# %% [markdown]
# ## What to do about it
#
# The recommended decision is set for every finding. Look at the rows one by one, or decide for a whole check at once;
# both can be undone, and both are kept, also for a newer version of the file.

# %%
recommended = workbench.recommended_decisions(report, dataset, project)
review = panels.Review(dataset, report, recommended, project, test)
review

# %% [markdown]
# The same without the panel: `review.change("keep", check="exact duplicate")`, or `row_id="line-12"` for one row.
#
# ## How personal data is masked
#
# Masking *reduces* personal data; no text becomes "anonymous" that way. The table says how much of it was found in a
# test on made-up rows. A value gets the same mask in the input and in the answer, or the model would learn to invent.

# %%
masking = panels.masking(project)
masking

# %% [markdown]
# The same without the panel: `masking.set(mode="pseudonym")`

# %%
decided = review.result
decided.save(project.path("data/decisions.json"))
curated = decided.apply(dataset, masking.result)
change = workbench.before_after(dataset, decided, curated, workbench.shown_text(project))
change

# %%
panels.SideBySide(change)

# %% [markdown]
# The same without the panel: `change.table()`
#
# ## Three parts that share no question
#
# The model learns from the first part, settings are chosen on the second, and the third is for judging alone. Rows
# with the same question, or about the same person, always stay together. A test set that came with the data is cleaned
# by the same checks.

# %%
if test is not None:
    test = workbench.clean_test(test, context, masking.result)
splits = workbench.split(curated, project.depth.validation_rows, project.depth.test_rows, test)
workbench.save_curated(project, splits, workbench.project_task(project, splits.train, task.result))
splits

# %% [markdown]
# ## What the model will see
#
# The exact text of the first rows, with control tokens, as training sees it. Only the marked tokens are learnt.

# %%
tokens.preview(splits.train)

# %% [markdown]
# **Decided:** the rows to learn from and the rows to judge by. Next:
# [2. Prompt, RAG or fine-tune?](02_prompt_rag_or_finetune.ipynb)
