"""A judge: a pydantic model or a JSON Schema, which the output has to fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from ..checks import check
from .judge import JudgeSpec, check_judge, verdict_on
from .plain import LARGE, NotPlain, measured, shown
from .threads import in_thread

if TYPE_CHECKING:
    from ...runtime.evidence import Verdict
    from ...runtime.system import ActorSystem
    from .judge import Submission

__all__ = ["SchemaJudge"]


@dataclass(frozen=True, slots=True)
class SchemaJudge(JudgeSpec):
    """Accepts what its schema does. It changes nothing: what is accepted goes on as the agent made it.

    Attributes:
        schema: a pydantic model, or a JSON Schema (draft 2020-12, checked and compiled here). The model sees the
            output as JSON, in which a date is a text; an instance of itself it sees as that. A text that holds
            JSON is a text. A validator of the model's may raise `ModelRetry`.

    Raises:
        InvalidSpec: the schema is none, or could take too long, or refers to one elsewhere.
    """

    schema: type[BaseModel] | Mapping[str, Any]
    _: KW_ONLY
    name: str = "schema"
    cost: float = 0.0
    _faults: Callable[[Any], list[str]] = field(init=False, repr=False, compare=False)

    at_once: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_judge(self)
        is_model = isinstance(self.schema, type) and issubclass(self.schema, BaseModel)
        legal = is_model or isinstance(self.schema, Mapping)
        check(f"schema of the judge {self.name!r}", self.schema, legal, "a pydantic model, or a mapping: a JSON Schema")
        if isinstance(self.schema, Mapping):
            from .json_schema import compiled_schema  # noqa: PLC0415 - its library takes longer to import than all of ours

            object.__setattr__(self, "_faults", compiled_schema(self.schema).faults)
        else:
            object.__setattr__(self, "_faults", self._model_faults)

    async def judge(self, submission: Submission, system: ActorSystem) -> Verdict:  # noqa: ARG002 - as all judges
        """Accepts what has no fault; what is no plain data has one."""
        output = submission.output
        if isinstance(self.schema, type) and isinstance(output, self.schema):
            return verdict_on(self.name, _faults_of(lambda: _instance(self.schema, output)))
        try:
            data, size = measured(output)
        except NotPlain as error:
            return verdict_on(self.name, [str(error)])
        if size > LARGE and isinstance(self.schema, Mapping):
            return verdict_on(self.name, await in_thread(f"treeward-judge-{self.name}", self._faults, data))
        return verdict_on(self.name, self._faults(data))

    def _model_faults(self, data: Any) -> list[str]:
        model: Any = self.schema
        text = to_json(data)
        return _faults_of(lambda: model.model_validate_json(text))


def _instance(model: Any, output: BaseModel) -> None:
    """Validates an instance as what it is made of: one may be changed, or made, without being validated."""
    held = output.model_dump(round_trip=True, by_alias=False, warnings=False)
    model.model_validate(held, by_name=True, by_alias=True)


def _faults_of(validate: Callable[[], object]) -> list[str]:
    try:
        validate()
    except ValidationError as error:
        return [_line(one) for one in error.errors(include_url=False, include_context=False)]
    except PydanticSerializationError as error:  # of an instance that was never validated
        return [f"the output cannot be read: {error}"]
    return []


def _line(fault: Any) -> str:
    where = ".".join(str(step) for step in fault["loc"]) or "the output"
    given = "" if fault["type"] == "missing" else f", not {shown(fault['input'])}"
    return f"{where}: {fault['msg']}{given}"
