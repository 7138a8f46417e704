# %% [markdown]
# # 5. Ship with evidence
#
# Files to use and papers to show: the adapter, the merged model, the winner of the comparison, and a model card with
# the numbers of this very run.
#
# **You decide here:** what leaves the workbench.

# %%
import workbench
from workbench import panels
from IPython.display import Markdown

project = workbench.open_project()
bench = workbench.Bench(project)
run, verdict = bench.run(), workbench.load_verdict(project)
verdict

# %% [markdown]
# ## Export
#
# The adapter needs the base model beside it; the merged model stands alone, in 16 bits.

# %%
adapter, merged = workbench.export(bench, run)
print(*(path.relative_to(project.folder) for path in [adapter, merged]), sep="\n")

# %% [markdown]
# ## Is the merged model still the same?
#
# Not quite: the adapter was trained on a base rounded to 4 bits and is merged into one of 16. How far answers and
# score differ is measured on the test rows.

# %%
parity = workbench.check_parity(bench, run, panels.Progress())
parity

# %% [markdown]
# ## The winner
#
# Whatever won the comparison is handed over: a prompt, examples, an index, passages of your documents, a schema, or the
# tuned model.

# %%
handover = workbench.hand_over(bench, bench.recommendation(), verdict.outcome)
handover

# %% [markdown]
# Ask it from a terminal, in the folder of the workbench: `python run.py ask PROJECT "..."`, or here. If a server won,
# nothing is sent from here; the terminal says how to allow it.

# %%
question = bench.validation.examples[0].input
workbench.attempt(workbench.answered, project, question)

# %% [markdown]
# ## The model card

# %%
card = workbench.write_card(bench, run, verdict, parity)
Markdown(card.read_text(encoding="utf-8").split("---\n", 2)[2])

# %% [markdown]
# **Decided:** what leaves, with its evidence. Everything lies in the project's folder under `ship/`.
