# %% [markdown]
# # 6. Align with preferences
#
# Notebook 3 showed the model one right answer to each row (*instruction tuning*). Here it sees two of its own answers to
# a row and is told which is the better one. Instruction tuning and then this is what the field calls RLHF; here the second
# step is DPO (*direct preference optimisation*), which needs no reward model beside it. It is optional, and takes
# about 3 minutes at the quick depth.
#
# **You decide here:** who says which answer is better, and whether what comes out is worth having.

# %%
import workbench
from workbench import charts, panels

project = workbench.open_project()
bench = workbench.Bench(project)
run = workbench.attempt(bench.run)
run

# %% [markdown]
# ## Several answers to one row
#
# Asked always for the likeliest word, the model says the same each time. Here each word is drawn by its probability
# (*temperature 1*), so that the answers differ. Only training rows are asked.

# %%
draws = workbench.attempt(workbench.draw_answers, bench, run, progress=panels.Progress())
draws

# %% [markdown]
# ## Which one is better?
#
# That is for people to say. You vote without knowing which draw is which; from 20 clear votes on, they are what the
# model learns from.

# %%
voting = workbench.attempt(workbench.on_draws, panels.vote, project, draws, workbench.shown_text(project))
voting

# %% [markdown]
# The same without the panel: `voting.vote("left")`
#
# With fewer votes a rule stands in, a stated check of the answers, and the pairs are called "labelled by rule". What
# labels can't measure too, so free text that has no other check needs votes.

# %%
pairs = workbench.attempt(workbench.preference_pairs, bench, draws, voting)
pairs

# %% [markdown]
# ## The plan
#
# Training goes on from the adapter of notebook 3. A frozen copy of it is the *reference*: the model may lean towards
# the preferred answers, and moving away from the reference costs it something (*beta*). To change a setting:
# `plan = plan.change(beta=0.3)`

# %%
plan = workbench.attempt(workbench.plan_alignment, bench, run, pairs)
plan

# %% [markdown]
# ## Train
#
# The loss starts at 0.69, which is "no preference yet". That it falls shows only that the lesson is being learnt. If the
# kernel dies, run the notebook again: training goes on from its last checkpoint.

# %%
aligned = workbench.attempt(workbench.align_project, bench, plan, pairs, progress=panels.TrainingView())
aligned

# %% [markdown]
# ## What did it change?
#
# Both models answer the validation rows, and another measure than the one that labelled holds their answers against each
# other. A win rate of 0.5 is no difference, and so is an interval that holds 0.5. Few rows decide little.

# %%
changed = workbench.attempt(workbench.what_changed, bench, run, aligned, pairs, progress=panels.Progress())
changed

# %% [markdown]
# ## Was anything forgotten?
#
# The check of notebook 4 on the aligned model, by the same rule: the base model against the base with the new adapter.

# %%
forgetting = workbench.attempt(workbench.check_aligned, bench, aligned, progress=panels.Progress())
forgetting

# %%
charts.drawn(charts.forgetting, forgetting)

# %% [markdown]
# **Decided:** whether the aligned model is worth having. Its adapter lies in `align/adapter`; what notebook 5 ships is
# still the tuned one. ORPO, KTO, a reward model and GRPO are passed on to TRL as they are: `benchmarks/preference_trainers.py`
# has a working example of each. Back to [0. Start here](00_start_here.ipynb)
