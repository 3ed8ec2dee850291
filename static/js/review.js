// The review page. Everything here is comfort: each act also works as a plain form.
import { followEvidence, paintMarks } from "./evidence.js";
import { followDecisions } from "./decisions.js";
import { followKeys } from "./keys.js";
import { followSearch } from "./search.js";
import { followIdleness } from "./idle.js";

followEvidence();
followDecisions();
followKeys();
followSearch();
followIdleness();
paintMarks();
