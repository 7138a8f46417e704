# %% [markdown]
# # 2. Prompt, RAG or fine-tune?
#
# Several ways to get the answer, on the same held-out rows: from the bare input over better prompts and looking things
# up (retrieval, RAG) to a small fine-tune as a pilot. What wins is measured; "don't fine-tune" is an answer.
#
# **You decide here:** what would be good enough, and what a call may cost. The rest is measured.

# %%
import workbench
from workbench import charts, panels

project = workbench.open_project()
bench = workbench.Bench(project)
bench.task

# %% [markdown]
# ## What would you expect?
#
# Five questions, answered before anything is measured. At the end you see where the measurement disagreed.

# %%
expected = panels.questionnaire(project)
expected

# %% [markdown]
# The same without the panel: `expected.set(...)`, with the names and values that stand in the table.
#
# ## First: what would be good enough?
#
# Say it before anything is scored; a goal set after seeing the scores is no goal. A change made later is marked as late.

# %%
goal = panels.goal(project, workbench.Goal(workbench.default_good_enough(project), 0.02))
goal

# %% [markdown]
# The same without the panel: `goal.set(good_enough=0.8, margin=0.02)`
#
# ## Documents to look things up in
#
# If your answers stand in documents, name their folder. Retrieval finds passages, and the model answers from them and
# names the one it used.

# %%
documents = panels.documents(project)
documents

# %% [markdown]
# The same without the panel: `documents.set(folder="my_documents")`
#
# Before asking any model: does looking up find the right passage at all? Measured on training and validation questions.
# A search that fails can't be mended by a better model.

# %%
retrieval = workbench.attempt(bench.recall, panels.Progress())
retrieval

# %% [markdown]
# ## What does the model know already?
#
# Asked without any documents, on rows that aren't test rows. Facts that it lacks are best looked up.

# %%
workbench.attempt(workbench.knowledge, bench, progress=panels.Progress())

# %% [markdown]
# ## A better prompt, searched for
#
# Other wordings and other examples, tried on validation rows: the weaker ones drop out early, the rest get more rows.

# %%
workbench.attempt(workbench.optimise, bench, panels.Progress())

# %% [markdown]
# ## A larger model elsewhere? (optional)
#
# A server that speaks OpenAI's format, on this machine or remote, can be one more way. Nothing is sent unless you tick
# the box, and that is asked anew each time.

# %%
endpoint = panels.endpoint(project, bench.test)
endpoint

# %% [markdown]
# The same without the panel: `endpoint.set(address="http://localhost:8080/v1", model="name", agreed=True)`
#
# ## The ways, and the rule
#
# They are walked in this order, from the least effort to keep going (upkeep) to the most. Order, margin and rule are fixed
# now, before a test row is scored. *BM25* finds passages by their words, *dense* by their meaning, *hybrid* by both; *RAFT*
# is a model tuned on rows that have passages in them.

# %%
arms = bench.arms(endpoint.result)
ladder = workbench.set_ladder(project, workbench.rungs(arms))
ladder

# %% [markdown]
# What so many rows can and cannot decide:

# %%
workbench.power_statement(len(bench.test), len(arms), goal.result.margin)

# %% [markdown]
# ## Score them
#
# All get the same limit on the length of an answer. Tuned ways train first: a short QLoRA run in which the base model is
# held in 4 bits and a small adapter beside it learns. What is finished is kept: run this cell again after an interruption
# and it goes on.

# %%
cards = bench.compare(arms, panels.Progress(), panels.TrainingView(), project.depth.seeds)
comparison = bench.comparison(arms)
comparison

# %% [markdown]
# What the scores are made of (whether the JSON is valid, the meaning right, the cited passage the one with the answer):

# %%
comparison.aspects()

# %% [markdown]
# ## The verdict
#
# Lines are 95 % intervals: where two overlap much, the order may be chance. What counts is the paired difference in
# the reasons below.

# %%
recommendation = workbench.recommend(cards, goal.result, ladder, len(project.test_looks()))
recommendation.save(project.path("decide/recommendation.json"))
charts.picture(charts.arms(cards, goal.result, recommendation))

# %%
recommendation

# %% [markdown]
# Every way against the cheapest and against the best, on the same rows, corrected for the number of ways:

# %%
workbench.pairwise(cards, goal.result, ladder)

# %% [markdown]
# ## What it costs
#
# Tokens and seconds are measured; seconds are those of a batch, which a single call exceeds. Money appears where the price
# table has a price with a date and a source; the rest stays blank, never nought. Put your own prices into `decide/prices.csv`
# of the project.

# %%
costs = panels.costs(project, arms, cards, index_seconds=bench.index_seconds(arms))
costs

# %% [markdown]
# The same without the panel: `costs.set(calls_per_month=10_000)`
#
# Is more quality worth its price? What stands on the line isn't beaten in both.

# %%
charts.picture(charts.frontier(cards, costs.result, recommendation))

# %%
charts.picture(charts.break_even(costs.result))

# %% [markdown]
# ## Which answer is better? (optional)
#
# That is sometimes a matter for people. Here you vote without knowing which of the two best-scoring ways wrote what.

# %%
best = workbench.attempt(workbench.best_two, cards)
voting = workbench.attempt(panels.vote, project, best, bench.test, workbench.shown_text(project))
voting

# %% [markdown]
# The same without the panel: `voting.vote("left")`. A model as judge, and how far it agrees with your votes:
# `workbench.judge_pairs(voting.pairs, judge, votes=voting.result)`
#
# ## Where the ways differ most
#
# The rows on which it matters which way you take. Read some: a score doesn't see everything.

# %%
workbench.most_different(cards, bench.test, workbench.shown_text(project))

# %% [markdown]
# ## When the facts change
#
# The same questions with a newer version of the documents, and nothing trained again: who keeps up?

# %%
change = workbench.attempt(workbench.freshness, bench, progress=panels.Progress())
change

# %%
charts.drawn(charts.freshness, change)

# %% [markdown]
# ## Would more rows help, and did cleaning?
#
# Pilots on five sizes of the data with three seeds each, and on the rows as they came. This takes long, so only the
# thorough depth runs it.

# %%
curve = workbench.attempt(workbench.learning_curve, bench, view=panels.TrainingView(), progress=panels.Progress())
curve

# %%
charts.drawn(charts.learning_curve, curve)

# %%
workbench.attempt(workbench.as_it_came, bench, view=panels.TrainingView(), progress=panels.Progress())

# %% [markdown]
# ## In words
#
# What you expected, against what was measured; then a paragraph for a mail.

# %%
expected.result.against(recommendation, arms, cards)

# %%
counts, looks = {"train": len(bench.train)}, len(project.test_looks())
workbench.mail_paragraph(recommendation, cards, costs.result, goal.result, counts, ladder, looks)

# %% [markdown]
# **Decided:** which way to go on, by a rule that was fixed before. If it isn't fine-tuning, the next two notebooks
# are for learning, and [5. Ship with evidence](05_ship_with_evidence.ipynb) hands over the winner. Next:
# [3. Train with QLoRA](03_train_with_qlora.ipynb)
