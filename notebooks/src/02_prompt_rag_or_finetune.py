# %% [markdown]
# # 2. Prompt, RAG or fine-tune?
#
# Five ways to get the answer, on the same held-out rows: the bare input, instructions, instructions with fixed
# examples, instructions with the **nearest** examples (retrieval), and a small fine-tune as a pilot.
#
# **You decide here:** what would be good enough. The rest is measured.

# %%
import workbench
from workbench import charts, panels

project = workbench.open_project()
bench = workbench.Bench(project)
bench.task

# %% [markdown]
# ## First: what would be good enough?
#
# Say it before anything is scored; a goal set after seeing the scores is no goal. A change made later is marked as late.

# %%
goal = panels.goal(project, workbench.Goal(workbench.default_good_enough(project), 0.02))
goal

# %% [markdown]
# The same without the panel: `goal.set(good_enough=0.8, margin=0.02)`
#
# ## Score the ways that need no training
#
# All get the same limit on the length of an answer. What is finished is kept: run this cell again after an
# interruption and it goes on.

# %%
untuned = bench.score_untuned(panels.Progress())

# %% [markdown]
# ## Train a pilot
#
# A short QLoRA run: the base model is held in 4 bits, and a small adapter beside it learns. The loss is the
# model's surprise at the right answers; it should fall.

# %%
depth = project.depth
pilot_plan = workbench.plan(bench.choice, bench.train, bench.validation, depth.pilot_steps, depth.batch_size)
pilot = bench.fit(pilot_plan, "decide/pilot", panels.TrainingView())
pilot

# %%
cards = [*untuned, bench.score_pilot(pilot, panels.Progress())]
workbench.Comparison(tuple(cards))

# %% [markdown]
# ## The verdict
#
# Lines are 95 % intervals: where two overlap much, the order may be chance. What counts is the paired difference in
# the reasons below.

# %%
recommendation = workbench.recommend(cards, goal.result)
recommendation.save(project.path("decide/recommendation.json"))
charts.picture(charts.arms(cards, goal.result, recommendation))

# %%
recommendation

# %% [markdown]
# **Decided:** which way to go on, by a rule that was fixed before. If it isn't fine-tuning, the next two notebooks
# are for learning, and [5. Ship with evidence](05_ship_with_evidence.ipynb) hands over the winner. Next:
# [3. Train with QLoRA](03_train_with_qlora.ipynb)
