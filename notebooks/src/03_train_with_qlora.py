# %% [markdown]
# # 3. Train with QLoRA
#
# The full training run, with settings that fit your data and this machine.
#
# **You decide here:** whether to keep the settings, or to change one and see what it does.

# %%
import workbench
from workbench import charts, panels

project = workbench.open_project()
bench = workbench.Bench(project)
bench.recommendation().advice

# %% [markdown]
# ## The plan
#
# If a tuned way won the comparison, the rows are learnt in its form, with its instructions or passages; else as they
# are, for learning. The table has every setting with what it does. Longer isn't always better: watch the validation
# loss, which is measured on rows that are not learnt.

# %%
depth, rows = project.depth, bench.training_rows()
recommended = workbench.plan(bench.choice, *rows, depth.train_steps, depth.batch_size)
plan = panels.plan(recommended, bench.begun_plan())
plan

# %% [markdown]
# The same without the panel: `plan.set(steps=60, learning_rate=5e-4)`
#
# ## Train
#
# If the kernel dies, run the notebook again: training goes on from its last checkpoint.

# %%
run = bench.fit(plan.result, "train", panels.TrainingView(), *rows)
run

# %% [markdown]
# ## Did it learn?
#
# The score on the validation rows. The test rows stay unseen until notebook 5.

# %%
validation = bench.score_validation(run, panels.Progress())
validation

# %% [markdown]
# Five held-out rows before and after, side by side, asked in the same form.

# %%
bench.side_by_side(validation)

# %%
charts.picture(charts.loss(bench.steps("train"), run.steps))

# %% [markdown]
# **Decided:** the model to check. Its adapter lies in `train/adapter` as safetensors. Next:
# [4. Check for forgetting](04_check_for_forgetting.ipynb)
