# %% [markdown]
# # 3. Train with QLoRA
#
# The full training run, with settings that fit your data and this machine.
#
# **You decide here:** whether to keep the settings, or to change one and see what it does. Takes a few minutes with the
# embedded model, most of it training.

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
# are, for learning. Every setting has a reason: change one and its reason reads "set by you".
#
# **QLoRA** holds the model in 4 bits, frozen, and learns a small **adapter** beside it. **LoRA** does the same with the
# model in 16 bits. **Full** fine-tuning changes every weight of the model and takes the most memory.

# %%
rows, tokens = bench.training_rows(), workbench.row_tokens(project)
counts = tokens.count(list(rows[0]))
plan = panels.plan(bench.propose_plan(counts), bench.begun_plan())
plan

# %% [markdown]
# The same without the panel: `plan.set(flavour="lora", steps=60, learning_rate=5e-4)`
#
# ## Will it fit?
#
# What the run needs, before anything is loaded: memory by part, time, disk and energy; and the same for other ways of
# training, other models and other cards. Where nobody has measured a speed, the table says so.

# %%
fit = workbench.will_it_fit(bench.choice, plan.result, counts, tokens_per_second=bench.training_speed())
fit

# %%
charts.picture(charts.memory(fit.chosen[0]))

# %% [markdown]
# ## What the model will see
#
# The rows of the first step, token by token. Only the marked tokens are learnt: the answers, and the sign that ends one.

# %%
workbench.first_batch(tokens, plan.result, rows[0])

# %% [markdown]
# A model that is asked in another form than it was trained in does worse. Here the form used in training is compared with
# the one that the finished model will be asked in; if they differed, this would stop.

# %%
served = workbench.as_shipped(project)
workbench.check_templates(tokens.chat, served, rows[0], plan.result.max_length, plan.result.all_answers, tokens.shown)

# %% [markdown]
# ## Which settings are best?
#
# A sweep trains neighbours of the plan and scores each on the validation rows. It takes many trainings, so only the
# thorough depth has time for it.

# %%
swept = workbench.attempt(bench.sweep, plan.result)
charts.drawn(charts.sweep, swept)

# %% [markdown]
# To train the best of them: `plan.set(**swept.best.settings)`
#
# ## Train
#
# If the kernel dies, run the notebook again: training goes on from its last checkpoint. To stop early, press the button,
# or the notebook's own stop button: everything is saved, and running the cell again goes on.
#
# The loss is how surprised the model is by the right answers. It falls on the rows it learns even when answers to other
# rows no longer improve; so the answers to some validation rows are scored on the way, and the weights of the best
# scoring are the ones kept.

# %%
run = bench.fit(plan.result, "train", panels.TrainingView(), *rows)
run

# %% [markdown]
# ## Did it learn?
#
# What the chart shows, in words; then the score on all validation rows. The test rows stay unseen until notebook 5.

# %%
history = bench.steps("train")
warnings = workbench.flags(history, run.steps)
charts.picture(charts.training(history, run.steps, warnings))

# %%
validation = bench.score_validation(run, panels.Progress())
validation

# %% [markdown]
# Five held-out rows before and after, side by side, asked in the same form.

# %%
bench.side_by_side(validation)

# %% [markdown]
# The run's folder holds its settings, rows, seeds and versions, so that anybody can make it again, here or on a larger
# machine: `workbench.rerun(project.path("train"), project.path("again"), project.log)`, or the file that
# `workbench.write_job(project.path("train"), project.path("train.sbatch"))` writes for a Slurm cluster.

# %% [markdown]
# **Decided:** the model to check. What was learnt lies in `train/adapter` as safetensors (`train/model` after full
# fine-tuning). Next: [4. Check for forgetting](04_check_for_forgetting.ipynb)
