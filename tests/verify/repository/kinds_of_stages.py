"""Repositories whose stages are declared and run in different ways."""

from tests.verify.repository.kind import NANOSECONDS, Kind

SHELL = Kind(
    files={
        "in.txt": "3\n1\n2\n",
        "dvc.yaml": """
            stages:
              sort:
                cmd:
                - sort in.txt > sorted.txt
                - echo end >> sorted.txt
                deps: [in.txt]
                outs: [sorted.txt]
              count:
                cmd: |
                  wc -l < sorted.txt > count.txt
                  echo 0 >> count.txt
                deps: [sorted.txt]
                outs: [count.txt]
            """,
    },
    stages=("sort", "count"),
    stage="count",
    output="count.txt",
    noise=("echo 0", f"echo {NANOSECONDS}"),
    fabricated="4\n1\n",
    words="count.txt: line 2, column 1: '1' became '0'",
)
PYTHON = Kind(
    files={
        "fit.py": """
            import csv, random, sys
            random.seed(1)
            with open("table.csv", "w", newline="") as file:
                rows = csv.writer(file, lineterminator="\\n")
                rows.writerow(["epoch", "loss"])
                rows.writerows([[i, i + random.random()] for i in range(3)])
            """,
        "dvc.yaml": """
            stages:
              fit:
                cmd: python fit.py
                deps: [fit.py]
                outs: [table.csv]
            """,
    },
    stages=("fit",),
    stage="fit",
    output="table.csv",
    noise=("random.seed(1)", "random.seed()"),
    fabricated="epoch,loss\n0,0.5\n",
    words="table.csv: column loss, row 1: 0.5 became 0.13436424411240122 (",
)
FOREACH = Kind(
    files={
        "params.yaml": "countries: {de: {n: 1}, fr: {n: 2}}\n",
        "dvc.yaml": """
            stages:
              fetch:
                foreach: ${countries}
                do:
                  cmd: 'echo "n: ${item.n}" > ${key}.yaml; echo "m: 1" >> ${key}.yaml'
                  params: ["countries.${key}"]
                  outs: ["${key}.yaml"]
              join:
                cmd: cat de.yaml fr.yaml > all.txt
                deps: [de.yaml, fr.yaml]
                outs: [all.txt]
            """,
    },
    stages=("fetch@de", "fetch@fr", "join"),
    stage="fetch@fr",
    output="fr.yaml",
    noise=("m: 1", f"m: {NANOSECONDS}"),
    fabricated="n: 3\nm: 1\n",
    words="fr.yaml: n: 3 became 2",
)
MATRIX = Kind(
    files={
        "dvc.yaml": """
            stages:
              fit:
                matrix:
                  model: [a, b]
                  size: [1, 2]
                cmd: >-
                  echo '{"model": "${item.model}", "size": ${item.size}, "x": 1}' > ${key}.json
                outs: ["${key}.json"]
            """
    },
    stages=("fit@a-1", "fit@a-2", "fit@b-1", "fit@b-2"),
    stage="fit@b-1",
    output="b-1.json",
    noise=('"x": 1}\'', f"\"x\": '{NANOSECONDS}'1}}'"),
    fabricated='{"model": "b", "size": 1, "x": 2}\n',
    words="b-1.json: x: 2 became 1",
)
VARS = Kind(
    files={
        "settings.json": '{"folder": "out", "lines": 3}',
        "params.yaml": "word: yes it is\nopt: {a: 1}\n",
        "dvc.yaml": """
            vars:
            - settings.json
            - name: result
            stages:
              write:
                vars: [{extra: more}]
                cmd: mkdir -p ${folder} && echo ${word} ${opt} ${extra} 0 > ${folder}/${name}.txt
                params: [word, opt]
                outs: ["${folder}/${name}.txt"]
            """,
    },
    stages=("write",),
    stage="write",
    output="out/result.txt",
    noise=("0 >", f"{NANOSECONDS} >"),
    fabricated="yes it is --a 2 more 0\n",
    words="out/result.txt: line 1, column 15: 'yes it is --a 2 more 0' became 'yes it is --a 1 m",
)
WDIR = Kind(
    files={
        "raw/in.txt": "b\na\n",
        "work/here/.keep": "",
        "dvc.yaml": """
            stages:
              sort:
                wdir: work/here
                cmd: sort ../../raw/in.txt > ../../sorted.txt; echo 1 > own.txt
                deps: [../../raw/in.txt]
                outs: [../../sorted.txt, own.txt]
            """,
    },
    stages=("sort",),
    stage="sort",
    output="work/here/own.txt",
    noise=("echo 1", f"echo {NANOSECONDS}"),
    fabricated="2\n",
    words="work/here/own.txt: line 1, column 1: '2' became '1'",
)
SEVERAL = Kind(
    files={
        "a/dvc.yaml": "stages: {make: {cmd: echo 1 > a.txt, outs: [a.txt]}}\n",
        "b/dvc.yaml": """
            stages:
              make:
                cmd: cat ../a/a.txt ../a/a.txt > b.txt
                deps: [../a/a.txt]
                outs: [b.txt]
            """,
    },
    stages=("a/dvc.yaml:make", "b/dvc.yaml:make"),
    stage="b/dvc.yaml:make",
    output="b/b.txt",
    noise=("cat ../a/a.txt ../a/a.txt", f"echo {NANOSECONDS}"),
    fabricated="1\n2\n",
    words="b/b.txt: line 2, column 1: '2' became '1'",
)
AWK = Kind(
    files={
        "mean.awk": "{ sum += $1 } END { srand(1); print sum / NR; print 0 }\n",
        "in.txt": "1\n2\n",
        "dvc.yaml": """
            stages:
              mean:
                cmd: awk -f mean.awk in.txt > mean.txt
                deps: [mean.awk, in.txt]
                outs: [mean.txt]
            """,
    },
    stages=("mean",),
    stage="mean",
    output="mean.txt",
    noise=("print 0", '"date +%N" | getline now; print now'),
    fabricated="1.25\n0\n",
    words="mean.txt: line 1, column 3: '1.25' became '1.5'",
)
KINDS_OF_STAGES = {
    "shell": SHELL,
    "python": PYTHON,
    "foreach": FOREACH,
    "matrix": MATRIX,
    "vars": VARS,
    "wdir": WDIR,
    "several dvc.yaml": SEVERAL,
    "awk": AWK,
}
