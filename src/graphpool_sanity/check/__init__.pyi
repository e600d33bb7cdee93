from graphpool_sanity.check.backbone import Backbone as Backbone
from graphpool_sanity.check.comparison import Comparison as Comparison
from graphpool_sanity.check.comparison import compare as compare
from graphpool_sanity.check.report import SanityReport as SanityReport
from graphpool_sanity.check.review import Review as Review
from graphpool_sanity.check.review import review as review
from graphpool_sanity.check.sanity import sanity_check as sanity_check
