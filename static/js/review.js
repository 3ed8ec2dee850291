// The review page. Everything here is comfort: each act also works as a plain form.
import { followEvidence, paintMarks } from "./evidence.js";
import { followDecisions } from "./decisions.js";
import { followAim } from "./aim.js";
import { followClaim } from "./claim.js";
import { followKeys } from "./keys.js";
import { followSearch } from "./search.js";
import { followBook } from "./book.js";

followEvidence();
followDecisions();
followAim();
followClaim();
followKeys();
followSearch();
followBook();
paintMarks();
