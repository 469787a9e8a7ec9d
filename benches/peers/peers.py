"""Other programs on the work of ../side_by_side, then losscape on the same data; a table in Markdown.

usage: python peers.py [--losscape PROGRAM] [--seconds 5] [--only WORK]
WORK: network_gradient, hessian, minimise, basin_hopping, transition_states, disconnectivity

One thread; every time is CPU time of the process, the median of repeats. Each program's answer is checked against the formula in numpy
before its clock starts. A program that is not installed is left out, and the table says so."""
import os
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "LOSSCAPE_THREADS"):
    os.environ[name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_ENABLE_X64"] = "1"
import argparse, json, logging, pathlib, shutil, statistics, subprocess, sys, tempfile, time
import importlib.metadata as metadata
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
rows = []
quiet = open(os.devnull, "w")


def report(work, peer, value, unit, count, **more):
    rows.append(dict(work=work, peer=peer, value=value, unit=unit, n=count, **more))
    print(f"{work}: {peer} {value:.4g} {unit}", file=sys.stderr)


def timed(work, peer, f, unit, seconds):
    """Median CPU time of one call, in `unit`."""
    f()
    begin = time.process_time(); f()
    calls = max(1, int(seconds / 30 / max(time.process_time() - begin, 1e-6)))
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        begin = time.process_time()
        for _ in range(calls): f()
        times.append((time.process_time() - begin) / calls)
    report(work, peer, statistics.median(times) * dict(us=1e6, ms=1e3)[unit], unit, len(times))


class Loss:
    """Mean softmax cross-entropy of a tanh network with linear outputs + 1e-4 × sum of squares, gradient by hand. Parameters layer by
    layer: weights (outputs × inputs), biases."""

    def __init__(self, layers, items):
        self.layers = layers
        if layers[0] == 2:
            table = np.loadtxt("ljat3_d1.csv", delimiter=",", skiprows=1)[:items]
            inputs, labels = table[:, :2], table[:, 2].astype(int)
        else:
            random = np.random.default_rng(7)
            inputs, labels = random.uniform(0, 1, (items, layers[0])), random.integers(0, layers[-1], items)
        self.x, self.labels = np.ascontiguousarray(inputs.T), labels
        self.hot = np.ascontiguousarray(np.eye(layers[-1])[labels].T)
        self.parameters = sum((a + 1) * b for a, b in zip(layers, layers[1:]))

    def start(self, seed):
        return np.random.default_rng(seed).uniform(-1, 1, self.parameters)

    def parts(self, p):
        k = 0
        for a, b in zip(self.layers, self.layers[1:]):
            yield p[k:k + a * b].reshape(b, a), p[k + a * b:k + a * b + b]
            k += a * b + b

    def __call__(self, p):
        parts, values = list(self.parts(p)), [self.x]
        for w, b in parts[:-1]:
            values.append(np.tanh(w @ values[-1] + b[:, None]))
        z = parts[-1][0] @ values[-1] + parts[-1][1][:, None]
        z -= z.max(axis=0)
        e = np.exp(z)
        total = e.sum(axis=0)
        count = self.x.shape[1]
        energy = (np.log(total).sum() - (z * self.hot).sum()) / count + 1e-4 * (p @ p)
        delta, gradient = (e / total - self.hot) / count, 2e-4 * p
        into = list(self.parts(gradient))
        for k in reversed(range(len(parts))):
            into[k][0][...] += delta @ values[k].T
            into[k][1][...] += delta.sum(axis=1)
            if k: delta = (parts[k][0].T @ delta) * (1 - values[k] ** 2)
        return float(energy), gradient

    def jax(self):
        import jax, jax.numpy as jnp
        x, hot = jnp.asarray(self.x), jnp.asarray(self.hot)

        def energy(p):
            k, h, last = 0, x, len(self.layers) - 2
            for n, (a, b) in enumerate(zip(self.layers, self.layers[1:])):
                h = p[k:k + a * b].reshape(b, a) @ h + p[k + a * b:k + a * b + b][:, None]
                k += a * b + b
                if n < last: h = jnp.tanh(h)
            return jnp.mean(jax.scipy.special.logsumexp(h, axis=0) - (hot * h).sum(axis=0)) + 1e-4 * (p @ p)
        return energy

    def torch(self):
        import torch
        torch.set_num_threads(1)
        x, labels = torch.tensor(self.x.T.copy()), torch.tensor(self.labels)

        def energy(p):
            k, h, last = 0, x, len(self.layers) - 2
            for n, (a, b) in enumerate(zip(self.layers, self.layers[1:])):
                h = torch.nn.functional.linear(h, p[k:k + a * b].view(b, a), p[k + a * b:k + a * b + b])
                k += a * b + b
                if n < last: h = torch.tanh(h)
            return torch.nn.functional.cross_entropy(h, labels) + 1e-4 * (p @ p)
        return energy


def network_gradient(seconds):
    for layers, items in (([2, 10, 4], 1000), ([784, 10, 10], 1000), ([2, 4, 4, 4, 4], 100), ([2, 4, 4, 4, 4], 1000)):
        work = "loss+gradient" + str(layers + [items]).replace(" ", "")
        net = Loss(layers, items)
        p = net.start(1)
        truth = net(p)
        timed(work, "numpy", lambda: net(p), "us", seconds)

        def jax():
            import jax, jax.numpy as jnp
            f, q = jax.jit(jax.value_and_grad(net.jax())), jnp.asarray(p)
            assert abs(f(q)[0] - truth[0]) < 1e-12 and np.allclose(f(q)[1], truth[1], atol=1e-12)
            timed(work, "jax", lambda: f(q)[1].block_until_ready(), "us", seconds)

        def torch():
            import torch
            f, q = net.torch(), torch.tensor(p, requires_grad=True)

            def both():
                q.grad = None
                energy = f(q); energy.backward()
                return energy.item()
            assert abs(both() - truth[0]) < 1e-12 and np.allclose(q.grad.numpy(), truth[1], atol=1e-12)
            timed(work, "torch", both, "us", seconds)
        attempt("jax", jax)
        attempt("torch", torch)


def hessian(seconds):
    net, work = Loss([2, 10, 4], 1000), "hessian[2,10,4,1000]"
    p = net.start(1)
    step = 1e-4 * np.eye(p.size)
    truth = np.array([(net(p + s)[1] - net(p - s)[1]) / 2e-4 for s in step])

    def jax():
        import jax, jax.numpy as jnp
        f, q = jax.jit(jax.hessian(net.jax())), jnp.asarray(p)
        assert np.allclose(f(q), truth, atol=1e-6)
        timed(work, "jax", lambda: f(q).block_until_ready(), "ms", seconds)

    def torch():
        import torch
        f, q = net.torch(), torch.tensor(p)
        assert np.allclose(torch.func.hessian(f)(q).numpy(), truth, atol=1e-6)
        timed(work, "torch", lambda: torch.func.hessian(f)(q), "ms", seconds)
    attempt("jax", jax)
    attempt("torch", torch)


def of_pele(f):
    from pele.potentials import BasePotential

    class Wrapped(BasePotential):
        calls = 0

        def getEnergyGradient(self, x):
            self.calls += 1
            return f(x)

        def getEnergy(self, x): return f(x)[0]
    return Wrapped()


def minimise(seconds):
    net, work = Loss([2, 10, 4], 1000), "lbfgs[2,10,4,1000] to RMS 1e-10"

    def over_starts(peer, run):
        times, left, end = [], [], time.perf_counter() + seconds
        for seed in range(1000):
            begin = time.process_time(); x = run(net.start(seed)); times.append(time.process_time() - begin)
            left.append(np.sqrt(np.mean(net(x)[1] ** 2)))
            if seed >= 4 and time.perf_counter() > end: break
        done = sum(v < 1.01e-10 for v in left) / len(left)
        report(work, peer, 1e3 * statistics.median(times), "ms", len(times), converged=done)

    def scipy():
        from scipy.optimize import minimize
        for memory in (10, 50):
            options = dict(maxiter=20000, maxfun=40000, ftol=0, gtol=1e-10, maxcor=memory)
            over_starts(f"scipy, memory {memory}", lambda x: minimize(net, x, jac=True, method="L-BFGS-B", options=options).x)

    def pele():
        from pele.optimize import lbfgs_cpp
        potential = of_pele(net)
        for memory in (4, 50):
            over_starts(f"pele, memory {memory}", lambda x: lbfgs_cpp(x, potential, tol=1e-10, nsteps=20000, M=memory).coords)
    attempt("scipy", scipy)
    attempt("pele", pele)


def basin_hopping(seconds):
    net = Loss([2, 10, 4], 1000)

    def blocks(tolerance, peer, run):
        times, end = [], time.perf_counter() + seconds
        for seed in range(1000):
            begin = time.process_time(); run(seed); times.append((time.process_time() - begin) / 3)
            if seed >= 2 and time.perf_counter() > end: break
        report(f"basin hopping[2,10,4,1000] to 1e-{6 if tolerance < 1e-5 else 3}", peer, 1 / statistics.median(times), "1/s", len(times))

    def scipy():
        from scipy.optimize import basinhopping
        for tolerance in (1e-6, 1e-3):
            inner = dict(method="L-BFGS-B", jac=True, options=dict(maxiter=20000, maxfun=40000, ftol=0, gtol=tolerance))
            blocks(tolerance, "scipy", lambda seed: basinhopping(net, net.start(seed), niter=2, T=0.01, stepsize=0.5, rng=seed,
                                                                 interval=10 ** 9, minimizer_kwargs=inner))

    def pele():
        from pele.basinhopping import BasinHopping
        from pele.optimize import lbfgs_cpp
        from pele.takestep import RandomDisplacement
        potential = of_pele(net)
        for tolerance in (1e-6, 1e-3):
            def run(seed):
                np.random.seed(seed)
                quench = lambda x: lbfgs_cpp(x, potential, tol=tolerance, nsteps=20000, M=50)
                BasinHopping(net.start(seed), potential, RandomDisplacement(stepsize=0.5), temperature=0.01, outstream=None,
                             quench=quench).run(2)
            blocks(tolerance, "pele, memory 50", run)
    attempt("scipy", scipy)
    attempt("pele", pele)


def transition_states(seconds):
    def pele():
        from pele.systems import LJCluster
        from pele.transition_states import FindTransitionState, minima_from_ts
        logging.disable(logging.CRITICAL)
        random = np.random.default_rng(5)
        for atoms in (7, 8, 13):
            # pele's own steps; a few seeds lead its minimiser astray
            np.random.seed(5)
            system = LJCluster(atoms)
            database, potential = system.create_database(), system.get_potential()
            system.get_basinhopping(database, outstream=None).run(60 if atoms == 13 else 100)
            minima = [m.coords.copy() for m in database.minima()]
            settings = dict(system.params.double_ended_connect.local_connect_params.tsSearchParams)
            settings.update(tol=1e-7, orthogZeroEigs=system.get_orthogonalize_to_zero_eigenvectors())

            def search(potential):
                """Whether a transition state with both its sides was found, and the gradients that the sides took."""
                start = minima[random.integers(len(minima))] + random.normal(0, 0.2, 3 * atoms)
                top = FindTransitionState(start, potential, **settings).run()
                if not (top.success and top.eigenval < 0):
                    return False, 0
                a, b = minima_from_ts(potential, top.coords, n=top.eigenvec, quench=system.get_minimizer())
                return a.success and b.success, a.nfev + b.nfev

            found, tried, begin = 0, 0, time.process_time()
            while time.process_time() - begin < seconds or tried < 10:
                found += search(potential)[0]
                tried += 1
            rate = 60 * found / (time.process_time() - begin)
            report(f"transition states LJ{atoms} single-ended", "pele", rate, "1/min", tried, found=found)
            # Counted apart, since counting takes time: the gradients of climbs that fail are shared out among those that succeed.
            counting = of_pele(potential.getEnergyGradient)
            ends = [search(counting) for _ in range(100)]
            gradients = (counting.calls + sum(sides for _, sides in ends)) / max(1, sum(good for good, _ in ends))
            report(f"transition states LJ{atoms} single-ended", "pele", gradients, "gradients each", len(ends))
    attempt("pele", pele)


def disconnectivity(seconds):
    def pele(count, energies, states):
        import matplotlib, networkx
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        from pele.storage.database import Minimum, TransitionState
        from pele.utils.disconnectivity_graph import DisconnectivityGraph
        sys.setrecursionlimit(10 ** 6)
        minima = []
        for k, energy in enumerate(energies):
            minima.append(Minimum(float(energy), np.zeros(1)))
            minima[-1]._id = k + 1
        graph = networkx.Graph()
        graph.add_nodes_from(minima)
        for k, (a, b, energy) in enumerate(states):
            state = TransitionState(energy, np.zeros(1), minima[a], minima[b], eigenval=-1.0, eigenvec=np.zeros(1))
            state._id = k + 1
            if not graph.has_edge(minima[a], minima[b]) or graph[minima[a]][minima[b]]["ts"].energy > energy:
                graph.add_edge(minima[a], minima[b], ts=state)
        times, end = [], time.perf_counter() + seconds
        while not times or (time.perf_counter() < end and len(times) < 15):
            begin = time.process_time()
            drawn = DisconnectivityGraph(graph, nlevels=50, include_gmin=True)
            drawn.calculate(); drawn.plot(); drawn.savefig("pele.png")
            plt.close("all")
            times.append(time.process_time() - begin)
        report(f"disconnectivity graph {count} minima", "pele", statistics.median(times), "s", len(times))

    for count in (2000, 20000):
        # Minimum i is joined to a random earlier one; half as many transition states again join random pairs.
        random = np.random.default_rng(count)
        energies = random.uniform(0, 1, count)
        pairs = [(i, int(random.integers(0, i))) for i in range(1, count)]
        pairs += [tuple(map(int, random.choice(count, 2, replace=False))) for _ in range(count // 2)]
        states = [(a, b, float(max(energies[a], energies[b]) + random.exponential(0.3))) for a, b in pairs]
        folder = pathlib.Path(f"network_{count}")
        folder.mkdir(exist_ok=True)
        (folder / "min.data").write_text("".join(f"{e:.10f} 0.0 1 1.0 1.0 1.0\n" for e in energies))
        (folder / "ts.data").write_text("".join(f"{e:.10f} 0.0 1 {a + 1} {b + 1} 1.0 1.0 1.0\n" for a, b, e in states))
        attempt("pele", lambda: pele(count, energies, states))


def attempt(peer, f):
    """Runs one program's part; one that is not there or fails is a row that says so. What it prints is not shown."""
    out, sys.stdout = sys.stdout, quiet
    try: f()
    except Exception as error: report_failure(peer, error)
    finally: sys.stdout = out


def report_failure(peer, error):
    rows.append(dict(work=working, peer=peer, error=f"{type(error).__name__}: {error}"[:150]))
    print(f"{working}: {peer} failed: {error}", file=sys.stderr)


def losscape(program, work):
    folder = HERE.parent / "side_by_side"
    shell = folder / f"{work}.sh"
    command = [shell] if shell.exists() else [program, folder / f"{work}.rhai"]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, LOSSCAPE=program))
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for row in lines: print(f"{row['work']}: losscape {row['value']:.4g} {row['unit']}", file=sys.stderr)
    rows.extend(lines)
    if done.returncode: report_failure("losscape", RuntimeError(done.stderr.strip().split("\n")[0]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--losscape", default=shutil.which("losscape") or str(HERE.parents[1] / "target/release/losscape"))
    parser.add_argument("--seconds", type=float, default=5, help="for each program and figure")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.losscape).resolve())
    os.chdir(tempfile.mkdtemp(prefix="losscape-peers-"))
    subprocess.run([program, HERE / "data.rhai"], check=True)
    for work in (network_gradient, hessian, minimise, basin_hopping, transition_states, disconnectivity):
        working = work.__name__
        if arguments.only in ("", working):
            work(arguments.seconds)
            losscape(program, working)
    names = ("numpy", "scipy", "jax", "torch", "pele")
    versions = {d.metadata["Name"].lower(): d.version for d in metadata.distributions()}
    print(", ".join(f"{name} {versions.get(name, 'missing')}" for name in names), end="\n\n")
    print("| work | program | value | unit | repeats |\n|---|---|---|---|---|")
    for row in rows:
        if "error" in row: print(f"| {row['work']} | {row['peer']} | {row['error']} | | |")
        else: print(f"| {row['work']} | {row['peer']} | {row['value']:.4g} | {row['unit']} | {row['n']} |")
