"""Draws the names of the evaluation set once: pip install mimesis; python benchmarks/personal_data/freeze_names.py

Writes names.json beside this file. Half of the names are common ones written down here, half are a random sample of
the name lists of mimesis (MIT). Neither comes from Faker, whose lists a detector may well use as its dictionary.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

COMMON = {
    "US": ("James Mary Robert Patricia Michael Linda Emily Ashley Joshua Tyler Madison Brandon Hope Grace Will Mark Faith Rose",
           "Smith Johnson Williams Brown Davis Miller Wilson Moore Anderson Jackson Harris Young King Green Baker Hill Price Rivera"),
    "GB": ("Oliver Harry Charlotte Sophie Callum Gemma Nigel Gareth Rhys Fiona Alistair Imogen Graham Hazel Ruby Poppy Jack Amelia",
           "Jones Taylor Evans Thomas Roberts Walker Wright Hughes Edwards Clarke Ward Turner Cooper Bell Shaw O'Connor MacDonald Fox"),
    "DE": ("Jürgen Sabine Lukas Lena Jonas Hannah Wolfgang Ursula Stefan Heike Uwe Silke Torsten Anke Björn Käthe Matthias Gisela",
           "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf Schröder Neumann Zimmermann"),
    "FR": ("Jean Marie Pierre Nathalie Julien Camille Léa Hugo Thierry Sylvie Aurélie Mathieu Chloé Benoît Élodie Jean-Luc Anne-Sophie Manon",
           "Martin Bernard Dubois Durand Moreau Laurent Lefebvre Leroy Roux Fournier Girard Bonnet Lambert Fontaine Rousseau Chevalier Faure Petit"),
    "ES": ("Antonio Carmen Manuel Lucía Javier Pilar Sergio Marta José Dolores Álvaro Rocío Iñaki Nuria Jordi Montserrat Pablo Inés",
           "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Ruiz Díaz Moreno Muñoz Romero Navarro Torres Gil Ortega"),
    "IT": ("Giuseppe Maria Giovanni Francesca Marco Chiara Luca Giulia Alessandro Federica Matteo Elena Stefano Paola Enrico Silvia Andrea Ilaria",
           "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Giordano Mancini Rizzo Lombardi"),
    "NL": ("Daan Sanne Bram Femke Jeroen Marieke Sander Anouk Wouter Lotte Maarten Ingrid Joost Esther Ruben Fleur Kees Willemijn",
           "Jansen Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Brouwer Dijkstra Kuipers Veenstra Kok Willems Postma"),
    "PL": ("Jan Anna Piotr Katarzyna Krzysztof Małgorzata Andrzej Agnieszka Tomasz Magdalena Paweł Zofia Michał Łukasz Beata Grzegorz Ewa Wojciech",
           "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Mazur Krawczyk Piotrowski Grabowski Pawlak Król Wieczorek"),
    "PT": ("João Ana Rui Inês Tiago Catarina Nuno Mariana Gonçalo Beatriz Pedro Teresa Diogo Joana Vasco Leonor Bruno Sofia",
           "Silva Santos Ferreira Pereira Oliveira Costa Rodrigues Martins Sousa Fernandes Gonçalves Gomes Lopes Marques Almeida Ribeiro Pinto Carvalho"),
    "BR": ("Thiago Juliana Rafael Camila Gustavo Letícia Leandro Larissa Felipe Bruna Márcio Débora Caio Vanessa Wesley Jussara Everton Tainá",
           "Souza Lima Araújo Barbosa Rocha Dias Nascimento Moreira Cardoso Teixeira Cavalcanti Monteiro Batista Freitas Vieira Moura Campos Nunes"),
    "TR": ("Mehmet Ayşe Mustafa Fatma Ahmet Zeynep Emre Elif Murat Hatice Burak Merve Hüseyin Özlem Cem Derya Kerem Gül",
           "Yılmaz Kaya Demir Şahin Çelik Yıldız Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Polat"),
    "SE": ("Lars Karin Anders Kristina Johan Elin Mikael Åsa Fredrik Maja Gustav Linnéa Björn Ingrid Oskar Ebba Göran Annika",
           "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson Lindberg Lindqvist Holm Sandberg Bergström Nyström Åberg"),
    "IN": ("Rahul Priya Amit Neha Suresh Lakshmi Rajesh Pooja Vikram Ananya Arjun Deepika Sanjay Kavita Harpreet Meera Imran Aishwarya",
           "Sharma Patel Singh Kumar Gupta Reddy Iyer Nair Mehta Joshi Verma Rao Chatterjee Banerjee Desai Khan Kaur Pillai"),
    "NG": ("Chinedu Ngozi Emeka Blessing Oluwaseun Adaeze Ibrahim Amina Tunde Funmilayo Chioma Obinna Yusuf Zainab Kelechi Ifeoma Segun Halima",
           "Okafor Adeyemi Okonkwo Balogun Eze Nwosu Ogunleye Abubakar Adebayo Obi Musa Chukwu Olawale Bello Onyeka Afolabi Udo Danjuma"),
    "CN": ("Wei Fang Jing Lei Min Xiaoming Hui Jun Ying Yan Haoran Mei Zihan Qiang Lan Tao Xin Yuting",
           "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin"),
    "MA": ("Mohammed Fatima Youssef Khadija Omar Leila Hassan Salma Karim Nadia Rachid Samira Ahmed Yasmin Tariq Rania Khalid Noor",
           "El-Amrani Benali Haddad Mansour Idrissi Khalil Bouzid Saleh Nasser Hamdi Chaoui Farouk Aziz Darwish Qasim Rahmani Tazi Zahra"),
}  # fmt: skip
# Country by the locale of mimesis.
LISTS = {
    "US": "en", "DE": "de", "AT": "de-at", "FR": "fr", "ES": "es", "MX": "es-mx", "IT": "it", "NL": "nl", "PL": "pl",
    "PT": "pt", "BR": "pt-br", "TR": "tr", "SE": "sv", "DK": "da", "FI": "fi", "CZ": "cs", "HR": "hr",
}  # fmt: skip
EACH = 72
PLACE = Path(__file__).with_name("names.json")


def _flat(names: object) -> list[str]:
    if isinstance(names, dict):
        return [name for part in names.values() for name in _flat(part)]
    return list(names)


def _sample(names: list[str], seed: str) -> list[str]:
    wanted = sorted({n for n in names if len(n) > 2 and n.istitle()})
    return sorted(random.Random(seed).sample(wanted, min(EACH, len(wanted))))


def main() -> None:
    """Write names.json."""
    import mimesis

    countries = {c: {"common": [part.split() for part in parts], "listed": [[], []]} for c, parts in COMMON.items()}
    for country, locale in LISTS.items():
        lists = json.loads((Path(mimesis.__file__).parent / "datasets" / locale / "person.json").read_text(encoding="utf-8"))
        place = countries.setdefault(country, {"common": [[], []], "listed": []})
        place["listed"] = [_sample(_flat(lists[key]), f"{locale} {key}") for key in ("names", "surnames")]
    note = {
        "origin": f"common: written by hand; listed: sampled from the name lists of mimesis {mimesis.__version__}, "
        "MIT licence, Copyright (c) 2016-present Isaak Uchakaev. First names, then surnames. No real person is meant.",
        "countries": countries,
    }
    PLACE.write_text(json.dumps(note, ensure_ascii=False, separators=(",", ":")).replace('},"', '},\n"') + "\n", encoding="utf-8")
    print(PLACE, PLACE.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
