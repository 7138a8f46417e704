# %% [markdown]
# # 4. Check for forgetting
#
# Tuning on one task can cost others. The same 4-bit model answers general items with the adapter switched off and
# on, and each skill's change is measured item by item.
#
# **You decide here:** whether the model may be used.

# %%
import workbench
from workbench import charts, panels

project = workbench.open_project()
bench = workbench.Bench(project)
run = bench.run()
bench.recommendation().advice

# %% [markdown]
# ## The rule, before looking

# %%
print(workbench.forgetting_rule())

# %% [markdown]
# ## Before and after

# %%
report = workbench.check_run(bench, run, panels.Progress())
report

# %%
charts.picture(charts.forgetting(report))

# %% [markdown]
# ## The verdict
#
# "Not settled" is an answer: too few items to tell. It is never counted as kept.

# %%
verdict = workbench.judge(report)
verdict.save(project.path("check/verdict.json"))
verdict

# %% [markdown]
# **Decided:** ship, retrain, or unsure. Next: [5. Ship with evidence](05_ship_with_evidence.ipynb)
